/**
 * Leading a docker daemon to us by its own configuration, and giving that back.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { PyrsiaError } from '../errors.ts';
import { makeOurs } from '../ours.ts';
import { openEngine } from '../proxy/docker-engine.ts';
import type { Session } from '../session.ts';
import { findDaemon } from '../shims/docker-daemon.ts';
import { leadDocker, readDockerLed, releaseDocker, withMirror, withoutMirror } from '../shims/docker-led.ts';
import { dockerdsAt } from '../shims/dockerd.ts';
import { hostsToml } from '../shims/hosts-toml.ts';
import { accountFiles, othersThan } from '../shims/people.ts';
import { word } from '../shims/sh.ts';

/** From this version on a daemon reads `hosts.toml`, for every registry. */
const FIRST_WITH_HOSTS = 29;
/** What it reads for registries that have no directory of their own. */
const HOSTS = '/etc/docker/certs.d/_default/hosts.toml';
/** How long a daemon may take to read its configuration again: 5 s. */
const RELOAD_TIMEOUT_MS = 5000;

/** What would be changed. */
export interface Intention {
  readonly file: string;
  /** What it holds; undefined: there is no such file. Texts are latin1. */
  readonly now: string | undefined;
  /** What it held before it was led to us. */
  readonly before: string | undefined;
  readonly after: string;
  /** Our address, as the file names it. */
  readonly base: string;
  readonly socket: string;
  /** The daemon's process, where that is known. */
  readonly pid?: number;
  /** It is as its documentation has it, and was never tried. */
  readonly untested: boolean;
}

/**
 * Finds out what would be changed.
 *
 * Rejects with `DOCKER_LEFT_ALONE` where it must not be, and with `DOCUMENT_INVALID`, `AGENT_UNAVAILABLE`.
 */
export async function intend(session: Session, configFile: string | undefined): Promise<Intention> {
  refuseOthers(session);
  const daemon = findDaemon([], session.env);
  if ('reason' in daemon) throw leftAlone(daemon.reason);
  const { socket } = daemon;
  const untested = await readsHosts(socket);
  const process = untested ? undefined : processOf(socket, configFile);
  const file = untested ? HOSTS : (configFile ?? process!.configFile);
  const { base: address } = await (await session.agent()).call('images', {});
  // As a daemon prints it.
  const base = new URL('/', address).href;
  const now = textOf(file);
  const led = readDockerLed(session.paths.state);
  const before =
    led?.file !== file || now === undefined
      ? now
      : now === led.after
        ? led.before
        : without(now, led.base, file);
  if (untested && before !== undefined) throw leftAlone(`${file} is there and none of ours`);
  const after = untested
    ? hostsToml({ root: new URL('/v2', base).href, instead: false })
    : withMirror(before, base, file);
  return { file, now, before, after, base, socket, untested, ...(process && { pid: process.pid }) };
}

/** A socket's process, by which its file is known where nobody names one. */
function processOf(
  socket: string,
  configFile: string | undefined,
): ReturnType<typeof dockerdsAt>[number] | undefined {
  const all = dockerdsAt(socket).filter((each) => configFile === undefined || each.configFile === configFile);
  const [found] = all;
  if (found?.namesMirrors)
    throw leftAlone(`the command line of dockerd (process ${found.pid}) names its mirrors`);
  if (configFile === undefined && all.length !== 1)
    throw leftAlone(
      `${all.length === 0 ? 'no' : 'more than one'} dockerd is known at ${socket}: --config-file says which file is its own`,
    );
  return all.length === 1 ? found : undefined;
}

/** Whoever takes our port while no agent runs chooses what the daemon, which is root, runs. */
function refuseOthers({ env }: Session): void {
  const uid = process.getuid?.();
  if (uid === undefined || process.platform !== 'linux') throw leftAlone('this is for Linux');
  if (uid === 0 && env['SUDO_UID'])
    throw leftAlone('it would be root’s agent: run it without sudo, which it names where it is needed');
  const others = othersThan(uid, accountFiles());
  if (others.length > 0)
    throw leftAlone(
      `others may use this machine (${others.slice(0, 3).join(', ')}), who could answer at our port while no agent runs; ` +
        'pyrsia shim install docker needs no such port',
    );
}

/** Whether the daemon reads `hosts.toml`. Rejects with `DOCKER_LEFT_ALONE` where it cannot reach us. */
async function readsHosts(socket: string): Promise<boolean> {
  const info = await infoOf(socket);
  const has = (name: string, text: string): boolean => JSON.stringify(info[name] ?? '').includes(text);
  if (has('SecurityOptions', 'name=rootless') || has('OperatingSystem', 'Docker Desktop'))
    throw leftAlone('this daemon runs in a network of its own, and cannot reach us');
  return (
    Number.parseInt(String(info['ServerVersion']), 10) >= FIRST_WITH_HOSTS ||
    has('DriverStatus', 'io.containerd.snapshotter')
  );
}

async function infoOf(socket: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const said = await json(await openEngine(socket).ask('GET', '/info'));
    return typeof said === 'object' && said !== null ? { ...said } : {};
  } catch (error) {
    throw leftAlone(
      `its daemon does not answer at ${socket}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Does what was intended. @throws PyrsiaError `FILE_UNWRITABLE`, which then says what root is to do */
export function carryOut({ paths }: Session, { file, base, before, after }: Intention): void {
  const led = { file, base, after, ...(before === undefined ? {} : { before }) };
  asRoot(paths.state, file, after, () => leadDocker(paths.state, led));
}

/** What the file would hold again; undefined where nothing is led. */
export function restoration(
  state: string,
): (Pick<Intention, 'file' | 'now' | 'after'> & { readonly gone: boolean }) | undefined {
  const led = readDockerLed(state);
  if (!led) return undefined;
  const now = textOf(led.file);
  const after = now === undefined || now === led.after ? led.before : without(now, led.base, led.file);
  return { file: led.file, now, after: after ?? '', gone: after === undefined };
}

/** Gives the daemon's file back. @throws PyrsiaError `FILE_UNWRITABLE`, which then says what root is to do */
export function giveBack(state: string): ReturnType<typeof releaseDocker> {
  const back = restoration(state);
  if (!back) return 'unchanged';
  return asRoot(state, back.file, back.gone ? undefined : back.after, () => releaseDocker(state));
}

/** Does it; where only root may, the error names the command with which root does it. */
function asRoot<T>(state: string, file: string, text: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PyrsiaError) || error.code !== 'FILE_UNWRITABLE') throw error;
    const prepared = join(state, 'docker-config');
    makeOurs(state);
    if (text !== undefined) writeFileSync(prepared, text, { encoding: 'latin1', mode: 0o600 });
    const command = forRoot(file, text === undefined ? undefined : prepared);
    throw new PyrsiaError(
      'FILE_UNWRITABLE',
      { path: file, reason: `only root may: ${command}, and then this command once more` },
      { cause: error },
    );
  }
}

/** The command with which root gives `file` the content of another one, or removes it: whatever they are called, it does no more. */
export function forRoot(file: string, prepared: string | undefined): string {
  return prepared === undefined
    ? `sudo rm ${word(file)}`
    : `sudo install -D -m 644 ${word(prepared)} ${word(file)}`;
}

/** Has the daemon read its file again, where we may. Resolves to whether it names `base` now (or no more). */
export async function reload(
  { socket, pid, base }: Pick<Intention, 'socket' | 'pid' | 'base'>,
  wanted: boolean,
): Promise<boolean> {
  if (pid !== undefined && process.getuid?.() === 0) process.kill(pid, 'SIGHUP');
  for (const until = Date.now() + RELOAD_TIMEOUT_MS; ; await delay(100)) {
    const info = await infoOf(socket).catch((): Awaited<ReturnType<typeof infoOf>> => ({}));
    const names = JSON.stringify(info['RegistryConfig'] ?? '').includes(base);
    if (names === wanted || process.getuid?.() !== 0 || Date.now() > until) return names === wanted;
  }
}

/** Lines that say how `now` becomes `after`: what is the same before and after is left out. */
export function difference(file: string, now: string | undefined, after: string): string {
  const [old, fresh] = [now ?? '', after].map((text) =>
    Buffer.from(text, 'latin1')
      .toString()
      .split(/(?<=\n)/),
  );
  const same = (a: number, b: number): boolean => old![a] === fresh![b];
  let first = 0;
  while (first < Math.min(old!.length, fresh!.length) && same(first, first)) first++;
  let last = 0;
  while (
    last < Math.min(old!.length, fresh!.length) - first &&
    same(old!.length - 1 - last, fresh!.length - 1 - last)
  )
    last++;
  const shown = (sign: string, lines: readonly string[]): string[] =>
    lines
      .slice(first, lines.length - last)
      .filter((line) => line !== '')
      .map((line) => `${sign}${line.replace(/\n?$/, '\n')}`);
  return [`${file}:\n`, ...shown('-', old!), ...shown('+', fresh!)].join('');
}

function without(text: string, base: string, file: string): string {
  return file.endsWith('.toml') ? text : withoutMirror(text, base, file);
}

function textOf(file: string): string | undefined {
  try {
    return existsSync(file) ? readFileSync(file, 'latin1') : undefined;
  } catch (error) {
    throw leftAlone(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function leftAlone(reason: string): PyrsiaError<'DOCKER_LEFT_ALONE'> {
  return new PyrsiaError('DOCKER_LEFT_ALONE', { reason });
}
