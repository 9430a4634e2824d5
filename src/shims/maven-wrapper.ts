/**
 * A project's own `mvnw`: a script that has Maven in the user's home, and fetches it where it has not.
 *
 * Of the kind `only-script`, which Maven's wrapper plugin makes unless it is told otherwise; others fetch with a jar of their own.
 *
 * @see https://maven.apache.org/wrapper/
 * @module
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { PyrsiaError } from '../errors.ts';

const run = promisify(execFile);

/** The name by which projects have it. */
export const WRAPPER = 'mvnw';

/** By this a script is known to be of the kind that we know: it names the folder by a hash. */
const HASHES = 'hash_string()';

/** Behind this everything lies as in any repository of Maven's. */
const LAYOUT = '/org/apache/maven/apache-maven/';

/** What a wrapper runs, and from where it has that. */
export interface WrappedMaven {
  /** Where it is, or will be. */
  readonly home: string;
  /** What the wrapper notes there: the address with which it is fetched. */
  readonly url: string;
  /** The repository that this is in; ends in `/`. */
  readonly repository: string;
  readonly version: string;
  /** In hex, where the project says it. */
  readonly sha256?: string;
}

/** What `script` runs; undefined where we do not know, or where it wants to be somebody for that. */
export async function readWrapper(script: string, env: NodeJS.ProcessEnv): Promise<WrappedMaven | undefined> {
  if (basename(script) !== WRAPPER || env['MVNW_USERNAME'] || env['MVNW_PASSWORD']) return undefined;
  const properties = join(dirname(script), '.mvn', 'wrapper', 'maven-wrapper.properties');
  const [code, text] = await Promise.all([textOf(script), textOf(properties)]);
  if (!code.includes(HASHES)) return undefined;
  const said = Object.fromEntries(
    text
      .split('\n')
      .map((line) => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1).replaceAll(/\s/g, '')]),
  );
  const { distributionUrl: named = '', distributionSha256Sum: sha256 } = said;
  const { MVNW_REPOURL: instead, MAVEN_USER_HOME: place } = env;
  const [, behind] = splitAt(named, '/org/apache/maven/');
  const url = instead && behind !== undefined ? `${instead}/org/apache/maven/${behind}` : named;
  const [before, path] = splitAt(url, LAYOUT);
  const [, version] = /^([^/]+)\/apache-maven-\1-bin\.zip$/.exec(path ?? '') ?? [];
  if (version === undefined || !/^https?:\/\/[^@]*$/.test(url)) return undefined;
  const dists = join(place || join(env['HOME'] || homedir(), '.m2'), 'wrapper', 'dists');
  return {
    home: join(dists, `apache-maven-${version}`, hashOf(url)),
    url,
    repository: `${before}/`,
    version,
    ...(sha256 ? { sha256 } : {}),
  };
}

/** Unpacks what was fetched as the wrapper would have. @throws PyrsiaError `CONTENT_MISMATCH` where it is not what the project says */
export async function unpackWrapped(
  { home, url, version, sha256 }: WrappedMaven,
  zip: string,
): Promise<void> {
  if (sha256 !== undefined) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(zip), hash);
    const actual = hash.digest('hex');
    if (actual !== sha256.toLowerCase())
      throw new PyrsiaError('DIGEST_MISMATCH', { expected: `sha256:${sha256}`, actual: `sha256:${actual}` });
  }
  const parent = dirname(home);
  await mkdir(parent, { recursive: true });
  const own = await mkdtemp(join(parent, '.pyrsia-'));
  try {
    await run('unzip', ['-q', zip, '-d', own]);
    const unpacked = join(own, `apache-maven-${version}`);
    await writeFile(join(unpacked, 'mvnw.url'), `${url}\n`);
    // Another one may have been quicker.
    await rename(unpacked, home).catch(async (error: unknown) => {
      if (!(await isThere(home))) throw error;
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** Whether a directory is there. */
export async function isThere(directory: string): Promise<boolean> {
  return (await stat(directory).catch(() => undefined))?.isDirectory() ?? false;
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function splitAt(text: string, by: string): readonly [string, string | undefined] {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + by.length)];
}

/** As Java hashes a string, in hex. */
function hashOf(text: string): string {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) >>> 0;
  return hash.toString(16);
}
