/**
 * What a user has logged in to registries with, where docker and podman keep it. It is read when a registry
 * asks for it, goes to that registry only, and is never kept.
 *
 * @see https://docs.docker.com/reference/cli/docker/login/#credential-stores
 * @see https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
 * @module
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_REGISTRY } from '../ecosystems/oci/names.ts';
import { findTool } from './find-tool.ts';

/** Who somebody is to a registry. */
export interface RegistryCredential {
  readonly username: string;
  readonly password: string;
  /** The password is not theirs, but a token by which further ones are got. */
  readonly isToken?: true;
}

/** Reads credentials. */
export interface CredentialContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directories in which no helper is looked for. */
  readonly skip: readonly string[];
  /** Where to look, in this order, as registries.conf says: helpers, and {@link FILES} for podman's and docker's files. */
  readonly helpers?: readonly string[] | undefined;
  /** The only file to look into, as a call says. Absolute. */
  readonly file?: string | undefined;
}

/** By which registries.conf means the files, among helpers. */
const FILES = 'containers-auth.json';

/** How long a credential helper may take: 10 s. It may ask its user to unlock something. */
const HELPER_TIMEOUT_MS = 10_000;

/** The most that a helper may say: 64 KiB. */
const HELPER_LIMIT = 2 ** 16;

/** How docker calls its own registry in such files. */
const DOCKERS = 'https://index.docker.io/v1/';

type Json = Readonly<Record<string, unknown>>;

/**
 * The credential for a repository at a registry (host, with its port where it has one); undefined when there is
 * none. A file that cannot be read has none.
 */
export async function readCredential(
  registry: string,
  repository: string,
  context: CredentialContext,
): Promise<RegistryCredential | undefined> {
  const { helpers = [FILES] } = context;
  for (const helper of helpers.length > 0 ? helpers : [FILES]) {
    const found =
      helper === FILES
        ? await inFiles(registry, repository, context)
        : // As engines do, a helper is asked for the registry alone.
          ((await ask(helper, registry, context)) ??
          (registry === DEFAULT_REGISTRY ? await ask(helper, DOCKERS, context) : undefined));
    if (found) return found;
  }
  return undefined;
}

async function inFiles(
  registry: string,
  repository: string,
  context: CredentialContext,
): Promise<RegistryCredential | undefined> {
  for (const file of context.file === undefined ? filesOf(context.env) : [context.file]) {
    const config = await read(file);
    if (!config) continue;
    const found = await credentialIn(config, keysFor(registry, repository), context);
    if (found) return found;
  }
  return undefined;
}

/** Podman's files, then docker's. */
function filesOf(env: CredentialContext['env']): readonly string[] {
  const { HOME: home } = env;
  const config = env['XDG_CONFIG_HOME'] || (home && join(home, '.config'));
  const runtime = env['XDG_RUNTIME_DIR'] || `/run/containers/${process.getuid?.() ?? 0}`;
  const inRuntime = env['XDG_RUNTIME_DIR'] ? join(runtime, 'containers') : runtime;
  const docker = env['DOCKER_CONFIG'] || (home && join(home, '.docker'));
  return [
    env['REGISTRY_AUTH_FILE'],
    join(inRuntime, 'auth.json'),
    config && join(config, 'containers', 'auth.json'),
    docker && join(docker, 'config.json'),
  ].flatMap((file) => file || []);
}

async function read(file: string): Promise<Json | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Under which names credentials may be kept, the most special first. */
function keysFor(registry: string, repository: string): readonly string[] {
  const parts = repository.split('/');
  const namespaces = parts.map((_, dropped) =>
    [registry, ...parts.slice(0, parts.length - dropped)].join('/'),
  );
  return [...namespaces, registry, ...(registry === DEFAULT_REGISTRY ? [DOCKERS, 'index.docker.io'] : [])];
}

async function credentialIn(
  { auths, credHelpers, credsStore }: Json,
  keys: readonly string[],
  context: CredentialContext,
): Promise<RegistryCredential | undefined> {
  const helpers = isObject(credHelpers) ? credHelpers : {};
  for (const key of keys) {
    const helper = helpers[key];
    const found = typeof helper === 'string' ? await ask(helper, key, context) : undefined;
    if (found) return found;
  }
  const known = new Map(
    isObject(auths) ? Object.entries(auths).map(([name, auth]) => [plain(name), auth]) : [],
  );
  for (const key of keys) {
    const auth = known.get(plain(key));
    const found = isObject(auth) ? decoded(auth) : undefined;
    if (found) return found;
  }
  if (typeof credsStore !== 'string' || credsStore === '') return undefined;
  // A store is asked by the name under which docker has put it there.
  const names = keys.includes(DOCKERS) ? [DOCKERS] : keys.slice(-1);
  for (const name of names) {
    const found = await ask(credsStore, name, context);
    if (found) return found;
  }
  return undefined;
}

/** Old entries are URLs: `https://other.example/v1/`. */
function plain(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
}

function decoded({ auth, identitytoken, username, password }: Json): RegistryCredential | undefined {
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { username: '', password: identitytoken, isToken: true };
  if (typeof username === 'string' && typeof password === 'string' && username !== '')
    return { username, password };
  if (typeof auth !== 'string') return undefined;
  const text = Buffer.from(auth, 'base64').toString();
  const colon = text.indexOf(':');
  // docker pads with NULs.
  return colon < 1
    ? undefined
    : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}

/** Asks a credential helper. One that is not there, fails or knows nothing has none. */
async function ask(
  name: string,
  registry: string,
  { env, skip }: CredentialContext,
): Promise<RegistryCredential | undefined> {
  const program = /^[\w.-]+$/.test(name)
    ? findTool(`docker-credential-${name}`, env['PATH'], { skip })
    : undefined;
  if (program === undefined) return undefined;
  const { promise, resolve } = Promise.withResolvers<string>();
  const child = execFile(
    program,
    ['get'],
    { env: { ...env }, timeout: HELPER_TIMEOUT_MS, maxBuffer: HELPER_LIMIT },
    (error, stdout) => resolve(error ? '' : stdout),
  );
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(registry);
  try {
    const said: unknown = JSON.parse(await promise);
    if (!isObject(said)) return undefined;
    const { Username: username, Secret: password } = said;
    if (typeof username !== 'string' || typeof password !== 'string' || password === '') return undefined;
    return username === '<token>' ? { username: '', password, isToken: true } : { username, password };
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
