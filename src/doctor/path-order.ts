/**
 * Where the shims are on this shell's PATH.
 *
 * @module
 */
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { loginShell } from '../shims/ask-shells.ts';
import { isShim, shimsIn } from '../shims/shim-files.ts';
import { positionOnPath, shimStates } from '../shims/shim-states.ts';
import { evaluating, shellNamed } from '../shims/shells.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import { placeOf } from './shims.ts';
import { TOOLS } from './tools.ts';
import { word } from '../shims/sh.ts';

/** Looks in which order a typed tool is looked for. Where there are no shims, there is nothing to be found. */
export function lookAtPath(patient: Patient): Finding[] {
  const place = placeOf(patient);
  const { tools } = shimsIn(place);
  const { shims } = patient.paths;
  if (tools.length === 0) return [];
  const first = evaluation(patient);
  const entries = (patient.env['PATH'] ?? '').split(delimiter);
  const findings: Finding[] = [];

  if (positionOnPath(patient.env['PATH'], shims) === undefined) {
    findings.push({
      id: 'path-missing',
      level: 'wrong',
      title: `${shims} is not on the PATH of this shell`,
      cost: `${tools.join(' and ')} ${tools.length === 1 ? 'runs' : 'run'} without pyrsia`,
      remedy: first,
    });
  }
  for (const { tool, state, before } of shimStates(tools, place)) {
    if (state !== 'shadowed') continue;
    findings.push({
      id: 'path-shadowed',
      level: 'wrong',
      title: `${before} comes before ${shims} on the PATH of this shell`,
      cost: `${tool} runs without pyrsia`,
      remedy: first,
    });
  }
  const times = entries.filter((entry) => positionOnPath(entry, shims) !== undefined).length;
  if (times > 1) {
    findings.push({
      id: 'path-doubled',
      level: 'note',
      title: `${shims} is ${times} times on the PATH of this shell`,
      cost: 'Nothing worth mentioning: shims pass over all of them',
      remedy: first,
    });
  }
  return [...findings, ...otherShims(entries, shims)];
}

/** How this shell gets the directory first on its PATH. */
function evaluation({ env, paths }: Patient): string {
  const shell = shellNamed(loginShell(env) ?? '');
  return shell ? evaluating(shell) : `export PATH=${word(paths.shims)}:$PATH`;
}

function otherShims(entries: readonly string[], shims: string): Finding[] {
  const directories = new Set(entries.filter((entry) => isAbsolute(entry)).map((entry) => resolve(entry)));
  return [...directories].flatMap((directory): Finding[] => {
    if (positionOnPath(directory, shims) !== undefined) return [];
    const files = TOOLS.map(({ executable }) => join(directory, executable)).filter(isShim);
    if (files.length === 0) return [];
    return [
      {
        id: 'path-two-shims',
        level: 'wrong',
        title: `${directory} has shims of another pyrsia, and those of this one are in ${shims}`,
        cost: 'A tool passes through both, and may be led by the one that you do not mean',
        remedy: `rm ${files.map(word).join(' ')}`,
      },
    ];
  });
}
