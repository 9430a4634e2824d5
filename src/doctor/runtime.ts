/**
 * The directory of this boot: whether it is ours alone, where it is, and what lies in it that nobody needs.
 *
 * @module
 */
import { chmodSync, existsSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { isPyrsiaError } from '../errors.ts';
import { networkNamespace, socketPath } from '../control/directory.ts';
import { done, type Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import { word } from '../shims/sh.ts';

const NO_AGENT = 'No agent can be used: tools run without pyrsia';

/** Whoever can write there could answer in the agent's place, so we use only what is ours alone. */
export function lookWhetherPrivate({ paths, uid }: Patient): Finding[] {
  const found = [dirname(paths.runtime), paths.runtime].flatMap((path) => unsafe(path, uid) ?? []);
  return found.slice(0, 1);
}

function unsafe(path: string, uid: number | undefined): Finding | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat || uid === undefined) return undefined;
  const finding = { id: 'runtime-unsafe', level: 'wrong', cost: NO_AGENT } as const;
  if (stat.uid !== uid) {
    return {
      ...finding,
      title: `${path} belongs to user ${stat.uid}, not to you (${uid})`,
      remedy: `sudo rm -rf ${word(path)}`,
    };
  }
  if (!stat.isDirectory()) {
    return {
      ...finding,
      title: `${path} is ${stat.isSymbolicLink() ? 'a link' : 'a file'} and not a directory`,
      remedy: `rm ${word(path)}`,
      fix: { what: `Remove ${path}`, run: done(() => unlinkSync(path), `Removed ${path}`) },
    };
  }
  const mode = (stat.mode & 0o7777).toString(8);
  if ((stat.mode & 0o077) === 0) return undefined;
  return {
    ...finding,
    title: `${path} is open to others (mode ${mode}, wanted 700)`,
    remedy: `chmod 700 ${word(path)}`,
    fix: {
      what: `Close ${path} to others`,
      run: done(() => chmodSync(path, 0o700), `Closed ${path} to others`),
    },
  };
}

/** Where sockets lie follows from the environment, and may be no place for them. */
export function lookWhereItIs({ paths, env, uid }: Patient): Finding[] {
  const findings: Finding[] = [];
  const perBoot = env['XDG_RUNTIME_DIR'];
  const usual = `/run/user/${uid}`;
  const better = usable(usual, uid) && perBoot !== usual;
  try {
    socketPath(paths.runtime);
  } catch (error) {
    if (!isPyrsiaError(error)) throw error;
    const variable = perBoot && paths.runtime.startsWith(perBoot) ? 'XDG_RUNTIME_DIR' : 'TMPDIR';
    findings.push({
      id: 'runtime-path-long',
      level: 'wrong',
      title: `${paths.runtime}/agent.sock has ${Buffer.byteLength(paths.runtime) + 11} bytes, and a socket's path may have 103`,
      cost: NO_AGENT,
      remedy: better ? `export XDG_RUNTIME_DIR=${usual}` : `unset ${variable}`,
    });
  }
  if (uid === undefined || process.platform !== 'linux') return findings;
  if (perBoot && !usable(perBoot, uid)) {
    const owner = statSync(perBoot, { throwIfNoEntry: false })?.uid;
    findings.push({
      id: 'runtime-elsewhere',
      level: 'note',
      title: `XDG_RUNTIME_DIR is ${perBoot}, ${owner === undefined ? 'which is not there' : `which belongs to user ${owner}`}; ${dirname(paths.runtime)} is used`,
      cost: 'Shells where it is another one have an agent of their own',
      remedy: better ? `export XDG_RUNTIME_DIR=${usual}` : 'unset XDG_RUNTIME_DIR',
    });
  } else if (!perBoot && better) {
    findings.push({
      id: 'runtime-elsewhere',
      level: 'note',
      title: `XDG_RUNTIME_DIR is not set, although ${usual} is yours; ${dirname(paths.runtime)} is used`,
      cost: 'Shells where it is set have an agent of their own',
      remedy: `export XDG_RUNTIME_DIR=${usual}`,
    });
  }
  return findings;
}

function usable(directory: string, uid: number | undefined): boolean {
  return directory.startsWith('/') && statSync(directory, { throwIfNoEntry: false })?.uid === uid;
}

/** What the quick way of the shims needs of a Linux. */
export function lookWhetherQuick(): Finding[] {
  const missing = ['/proc/self/cwd', '/proc/sys/kernel/random/uuid'].filter((path) => !existsSync(path));
  if (process.platform !== 'linux' || (missing.length === 0 && networkNamespace() !== undefined)) return [];
  return [
    {
      id: 'no-proc',
      level: 'note',
      title: `There is no ${missing[0] ?? '/proc/self/ns/net'} here`,
      cost: 'Shims take the slow way: a few hundredths of a second for each command that fetches',
      remedy: 'sudo mount -t proc proc /proc',
    },
  ];
}
