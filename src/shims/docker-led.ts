/**
 * A docker daemon whose own configuration leads it to us. What was in its file before is kept, so that it is given back
 * byte for byte.
 *
 * @see https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
 * @module
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { makeOurs } from '../ours.ts';
import { editFile } from './edit-file.ts';

/** What was changed, and for what. Texts are latin1, so that every byte is kept. */
export interface DockerLed {
  /** The file of the daemon's. */
  readonly file: string;
  /** The address at which the daemon finds us. */
  readonly base: string;
  /** What the file held; undefined where there was none. */
  readonly before?: string;
  /** What it was to hold then. */
  readonly after: string;
  /** How many directories were made for it. */
  readonly directories: number;
}

/** What became of a file that was to be as it was. */
export type GivenBack = 'restored' | 'taken out' | 'unchanged';

/** The record of what was changed, undefined where nothing is led. One that cannot be read counts as none. */
export function readDockerLed(state: string): DockerLed | undefined {
  try {
    const said: unknown = JSON.parse(readFileSync(recordIn(state), 'utf8'));
    return isLed(said) ? said : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a daemon's configuration with `base` as its first mirror. @throws PyrsiaError `DOCUMENT_INVALID` */
export function withMirror(text: string | undefined, base: string, file: string): string {
  const known = parse(text ?? '{}', file);
  const mirrors = mirrorsIn(known, file).filter((each) => each !== base);
  return print({ ...known, [MIRRORS]: [base, ...mirrors] }, text);
}

/** The same without it, where it is there. @throws PyrsiaError `DOCUMENT_INVALID` */
export function withoutMirror(text: string, base: string, file: string): string {
  const { [MIRRORS]: _, ...others } = parse(text, file);
  const all = mirrorsIn(parse(text, file), file);
  const left = all.filter((each) => each !== base);
  if (left.length === all.length) return text;
  return print(left.length > 0 ? { ...others, [MIRRORS]: left } : others, text);
}

/** Notes what is about to be changed, first; then changes it. @throws PyrsiaError `FILE_UNWRITABLE` */
export function leadDocker(state: string, led: Omit<DockerLed, 'directories'>): void {
  makeOurs(state);
  const keep = (directories: number): void =>
    writeFileSync(recordIn(state), `${JSON.stringify({ ...led, directories }, undefined, 2)}\n`, {
      mode: 0o600,
    });
  keep(readDockerLed(state)?.directories ?? 0);
  editFile(led.file, (text, directories) => {
    if (text === undefined) keep(directories);
    return { text: led.after };
  });
}

/**
 * Gives the file back: byte for byte where nobody else has changed it; else only our address is taken out.
 *
 * @throws PyrsiaError `FILE_UNWRITABLE`, `DOCUMENT_INVALID`
 */
export function releaseDocker(state: string): GivenBack {
  const led = readDockerLed(state);
  if (!led) return 'unchanged';
  const { file, base, before, after, directories } = led;
  let outcome: GivenBack = 'unchanged';
  editFile(file, (text) => {
    if (text === undefined || text === before) return { text };
    // A hosts.toml that somebody else has changed is theirs.
    if (text !== after && file.endsWith('.toml')) return { text };
    outcome = text === after ? 'restored' : 'taken out';
    if (text === after) return { text: before, directories };
    return { text: withoutMirror(text, base, file) };
  });
  rmSync(recordIn(state), { force: true });
  return outcome;
}

function isLed(said: unknown): said is DockerLed {
  if (typeof said !== 'object' || said === null) return false;
  const of = (name: string): string => typeof Reflect.get(said, name);
  const isText = ['file', 'base', 'after'].every((name) => of(name) === 'string');
  return isText && of('directories') === 'number' && ['string', 'undefined'].includes(of('before'));
}

const MIRRORS = 'registry-mirrors';
const recordIn = (state: string): string => join(state, 'docker.json');

function parse(text: string, file: string): Readonly<Record<string, unknown>> {
  const invalid = (reason: string): PyrsiaError<'DOCUMENT_INVALID'> =>
    new PyrsiaError('DOCUMENT_INVALID', { what: file, reason });
  let said: unknown;
  try {
    said = JSON.parse(text.trim() === '' ? '{}' : Buffer.from(text, 'latin1').toString());
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) throw invalid('it is no object');
  return { ...said };
}

function mirrorsIn(known: Readonly<Record<string, unknown>>, file: string): readonly string[] {
  const { [MIRRORS]: mirrors = [] } = known;
  if (Array.isArray(mirrors) && mirrors.every((each) => typeof each === 'string')) return mirrors;
  throw new PyrsiaError('DOCUMENT_INVALID', { what: file, reason: `${MIRRORS} is no list of addresses` });
}

/** Indented as the text before it was. */
function print(known: unknown, like = ''): string {
  const [, indent = '  '] = /^([ \t]+)"/m.exec(like) ?? [];
  const end = like === '' || like.endsWith('\n') ? '\n' : '';
  return Buffer.from(`${JSON.stringify(known, undefined, indent)}${end}`).toString('latin1');
}
