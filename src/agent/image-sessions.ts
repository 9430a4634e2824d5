/**
 * What the agent knows of whoever asks for images: where their configuration has them, and as whom they may ask.
 *
 * @module
 */
import { resolve } from 'node:path';
import { digestOf, hexOf } from '../content/digest.ts';
import type { Tool } from '../ecosystems/ecosystem.ts';
import { canonical, DEFAULT_REGISTRY, endpointOf } from '../ecosystems/oci/names.ts';
import { oci } from '../ecosystems/oci/oci.ts';
import { authFileOf, readsHosts } from '../ecosystems/oci/tools.ts';
import { printImage } from '../ecosystems/oci/reference.ts';
import { type Endpoint, endpointsFor, isLoopback } from '../ecosystems/oci/registries.ts';
import { PyrsiaError } from '../errors.ts';
import type { Asker } from '../proxy/asker.ts';
import type { ImageAsker, ImagePlace } from '../proxy/image-asker.ts';
import { mirrorOf } from '../proxy/image-gate.ts';
import type { RegistryClient } from '../proxy/registry-client.ts';
import type { Launch } from '../shims/launch.ts';
import { hostsToml } from '../shims/hosts-toml.ts';
import { mirroredConf, wantedBy } from '../shims/mirrored.ts';
import { proxiesIn } from '../shims/proxies.ts';
import { readRegistriesConf, type RegistriesConf } from '../shims/registries-conf.ts';
import { certificatesFor, identityFor } from '../shims/registry-certificates.ts';
import { readCredential, type RegistryCredential } from '../shims/registry-credentials.ts';
import type { ConnectionSettings, ToolSettings } from '../shims/settings.ts';
import type { Policy } from '../verify/expect.ts';
import { type Caller, openAccountOf, type Plan, type Session, type SessionParts } from './sessions.ts';

/** What makes such a session besides its caller. */
export interface ImageSessionParts {
  readonly client: RegistryClient;
  /** Our own gate's base URL. */
  imageBase(this: void): Promise<string>;
  /** Where stand-ins lie, among which no credential helper is looked for. */
  readonly shims: string;
}

/** A session that asks for images. */
export interface ImageSession extends Session {
  readonly images: ImageAsker;
}

/**
 * Opens a session for a caller that fetches images.
 *
 * @throws PyrsiaError `CONFIG_INVALID`
 */
export async function openImageSession(
  { client, imageBase, shims }: ImageSessionParts,
  caller: Caller,
  /** The only file with credentials that is read; absolute. */
  authFile?: string,
): Promise<{
  readonly session: ImageSession;
  readonly conf: RegistriesConf;
  readonly offline?: string;
  readonly policy: Policy;
  /** As {@link openAccountOf} has it. */
  readonly wrong: { readonly file: string; readonly problems: readonly string[] };
  /** Uses a credential that the caller's tool has handed over for this registry, before any that is found. */
  lend(this: void, registry: string, credential: RegistryCredential): void;
}> {
  const { env } = caller;
  const { values, reporter, offline, wrong } = openAccountOf(caller);
  const conf = await readRegistriesConf(env);
  const { host: ourselves } = new URL(await imageBase());
  const askers = new Map<string, Asker>();
  const credentials = new Map<string, Promise<RegistryCredential | undefined>>();
  const lent = new Map<string, RegistryCredential>();

  function askerAt({ host, insecure }: Omit<Endpoint, 'repository'>, credential?: RegistryCredential): Asker {
    const url = new URL(`https://${host}/`);
    // What is shown to one user is another registry, for bindings and documents. Of the secret nothing is kept.
    if (credential)
      url.hash = hexOf(digestOf(Buffer.from(JSON.stringify([host, credential.username])), 'sha256')).slice(
        0,
        16,
      );
    // One user may have several credentials, each for some repositories: each is asked with its own.
    const key = JSON.stringify([url.href, insecure, credential]);
    let asker = askers.get(key);
    if (asker) return asker;
    const isDefault = host === endpointOf(DEFAULT_REGISTRY) && !credential;
    const isPublic = isDefault || (values['docker.public'].includes(host) && !credential);
    asker = {
      upstream: { url, name: isDefault ? oci.name : url.href, public: isPublic, ecosystem: oci },
      connection: connectionTo(host, env),
      policy: values.policy,
      ...(values.peers === 'off' && { alone: true }),
      ...(values['peers.copies'] !== 'off' && { copies: values['peers.copies'] }),
      reporter,
      ...(offline === undefined ? {} : { offline }),
      ask: client.as({
        insecure,
        ...(credential && { credential: async () => Promise.resolve(credential) }),
      }),
    };
    askers.set(key, asker);
    return asker;
  }

  async function credentialFor(host: string, repository: string): Promise<RegistryCredential | undefined> {
    const given = lent.get(host);
    if (given) return given;
    const key = `${host}/${repository}`;
    let credential = credentials.get(key);
    if (!credential) {
      const registry = canonical(host);
      const context = { env, skip: [shims], helpers: conf.credentialHelpers, file: authFile };
      credentials.set(key, (credential = readCredential(registry, repository, context)));
    }
    return credential;
  }

  const images: ImageAsker = {
    reporter,
    ...(offline === undefined ? {} : { offline }),
    places(image, by) {
      const endpoints = endpointsFor(conf.rules, image, by);
      if (endpoints === 'blocked')
        throw new PyrsiaError('BLOCKED', { what: printImage(image), by: 'registries.conf' });
      return endpoints.flatMap(({ repository, ...at }): readonly ImagePlace[] =>
        // Who is led to us already does not lead us to ourselves.
        at.host === ourselves ? [] : [{ asker: askerAt(at), repository }],
      );
    },
    async withCredential({ asker, repository }) {
      const { url } = asker.upstream;
      if (url.hash !== '') return undefined;
      const credential = await credentialFor(url.host, repository);
      const insecure = isInsecure(conf, url.host);
      return credential && { asker: askerAt({ host: url.host, insecure }, credential), repository };
    },
  };
  const session = {
    reporter,
    askers: new Map<string, Asker>(),
    images,
    receipt: (endedAt?: number) => reporter.receipt(endedAt),
  };
  return {
    session,
    conf,
    policy: values.policy,
    wrong,
    lend(registry, credential) {
      const host = endpointOf(registry);
      lent.set(host, credential);
      // Who asked with an earlier one asks with this one from now on.
      for (const key of askers.keys()) if (key.startsWith(`["https://${host}/#`)) askers.delete(key);
    },
    ...(offline === undefined ? {} : { offline }),
  };
}

/**
 * Finds out how a tool that reads registries.conf can be led to us. Nothing is written yet.
 *
 * @throws PyrsiaError `CONFIG_INVALID`
 */
export async function planImages(
  parts: ImageSessionParts & Pick<SessionParts, 'news' | 'pathOf' | 'readOnlyBecause'>,
  tool: Tool,
  launch: Omit<Launch, 'pid'>,
): Promise<Plan> {
  const caller = {
    ...launch,
    command: [launch.tool, ...launch.args],
    ...(launch.receipt && { receiptFile: parts.pathOf(launch.name, 'receipt') }),
  };
  const authFile = readsHosts(tool) ? undefined : authFileOf(launch.args);
  const { session, conf, offline, policy, wrong } = await openImageSession(
    parts,
    caller,
    authFile === undefined ? undefined : resolve(launch.cwd, authFile),
  );
  const readOnly = parts.readOnlyBecause();
  if (readOnly !== undefined) session.reporter.unstored(readOnly);
  const base = await parts.imageBase();
  // What we refuse must not be had past us, where somebody has asked for more than to observe.
  const instead = offline !== undefined || policy !== 'observe';
  const globalConfig = readsHosts(tool)
    ? hostsToml({ root: new URL(`/v2/${launch.name}`, base).href, instead })
    : mirroredConf(conf, {
        wanted: await wantedBy(conf, launch),
        mirrorOf: (registry) => mirrorOf(base, registry, launch.name),
        instead,
      });
  const pathOf = (file: string): string => parts.pathOf(launch.name, file);
  const redirection = tool.redirect({
    args: launch.args,
    leading: [],
    besides: [],
    credential: '',
    globalConfig,
    lockedHosts: [],
    pathOf,
  });
  return {
    session,
    settings: nothing,
    notes: parts.news(wrong.file, wrong.problems),
    askerFor: () => undefined,
    filling: { how: 'off', limit: 0 },
    redirection,
  };
}

/** These tools have no registry of packages. */
export const nothing: ToolSettings = {
  upstreams: [],
  connection: { strictSsl: true },
  globalConfig: '',
  sources: [],
  lockedHosts: [],
};

/** Whether what is at `host` may be spoken to without TLS. */
function isInsecure({ rules }: RegistriesConf, host: string): boolean {
  const places = rules.flatMap((rule) => [rule, ...rule.mirrors]);
  return (
    isLoopback(host) ||
    places.some(
      ({ location, insecure }) => insecure && endpointOf(canonical(location.split('/')[0]!)) === host,
    )
  );
}

/** As the environment has it. What is on this machine is never asked through a proxy. */
function connectionTo(host: string, env: Readonly<Record<string, string>>): ConnectionSettings {
  const ca = certificatesFor(host, env);
  const own = identityFor(host, env);
  const trust = {
    strictSsl: true,
    ...(ca.length > 0 ? { ca } : {}),
    ...(own && { identity: { ...own, host } }),
  };
  if (isLoopback(host)) return trust;
  return { ...trust, ...proxiesIn(env) };
}
