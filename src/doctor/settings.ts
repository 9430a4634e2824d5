/**
 * Settings that cannot be read, and what switches us off.
 *
 * @module
 */
import { projectFiles, readConfigFile, userConfigPath, writeConfigFile } from '../config/config-file.ts';
import { change } from '../config/edit-config.ts';
import { KEYS, settingOf } from '../config/settings.ts';
import { done, type Finding, type Fix } from './finding.ts';
import type { Patient } from './patient.ts';
import { word } from '../shims/sh.ts';

/** What reading the settings complained about. */
export function lookAtSettings(patient: Patient): Finding[] {
  return patient.config.problems.map((problem): Finding => {
    const isUnknown = problem.includes(': unknown settings, left alone: ');
    return {
      id: isUnknown ? 'setting-unknown' : 'setting-wrong',
      level: isUnknown ? 'note' : 'wrong',
      title: problem,
      cost: isUnknown
        ? 'Nothing, unless a name is misspelt: pyrsia config ls lists those that there are'
        : 'It is not in force, and the next weaker value is',
      ...repairOf(problem, patient),
    };
  });
}

/** Problems are sentences that begin with the variable, or hold the file's path. */
function repairOf(problem: string, { paths }: Patient): { readonly remedy: string; readonly fix?: Fix } {
  const variable = KEYS.map((key) => settingOf(key).env).find(
    (name) => name && problem.startsWith(`${name}: `),
  );
  if (variable !== undefined) return { remedy: `unset ${variable}` };

  const [, file = userConfigPath(paths)] =
    /^(?:Cannot read )?(\/.*?\.json|[A-Z]:\\.*?\.json)(?=[,:])/i.exec(problem) ?? [];
  if (file !== userConfigPath(paths)) return { remedy: `\${EDITOR:-vi} ${word(file)}` };

  const [, ignored] = /\.json, (\S+): ".*" is ignored/.exec(problem) ?? [];
  const [, unknown] = /: unknown settings, left alone: (.*)$/.exec(problem) ?? [];
  const keys = ignored === undefined ? (unknown?.split(', ') ?? []) : [ignored];
  if (keys.length === 0) return { remedy: 'pyrsia config edit' };
  const remedy = `pyrsia config unset ${keys.map(word).join(' ')}`;
  // What we do not know may be a newer version's: only its owner can tell.
  if (unknown !== undefined) return { remedy };
  return {
    remedy,
    fix: {
      what: `Remove ${keys.join(', ')} from ${file}`,
      run: done(
        () => {
          const changes = keys.map((key) => [key, undefined] as const);
          writeConfigFile(file, change(readConfigFile(file), changes));
        },
        `Removed ${keys.join(', ')} from ${file}`,
      ),
    },
  };
}

/** What keeps commands here from going through us, or us from asking anybody; all of it may be meant. */
export function lookWhetherOn({ env, cwd }: Patient): Finding[] {
  const findings: Finding[] = [];
  if (env['PYRSIA'] === 'off') {
    findings.push({
      id: 'switched-off',
      level: 'note',
      title: 'PYRSIA=off is set in this shell',
      cost: 'Commands run as if pyrsia were not there',
      remedy: 'unset PYRSIA',
    });
  }
  for (const path of projectFiles(cwd, env['HOME'])) {
    if (readConfigFile(path).entries['enabled'] !== 'false') continue;
    findings.push({
      id: 'switched-off-here',
      level: 'note',
      title: `${path} switches pyrsia off for this directory`,
      cost: 'Commands in it run as if pyrsia were not there',
      remedy: `\${EDITOR:-vi} ${word(path)}`,
    });
  }
  if (env['PYRSIA_OFFLINE'] === '1') {
    findings.push({
      id: 'offline',
      level: 'note',
      title: 'PYRSIA_OFFLINE=1 is set in this shell',
      cost: 'No registry is asked, not by this command either: what is not cached is missing',
      remedy: 'unset PYRSIA_OFFLINE',
    });
  }
  return findings;
}
