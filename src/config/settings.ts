/**
 * Every setting there is. Adding one is one entry in {@link SETTINGS}: reading, `pyrsia config` and its
 * messages follow from it; `docs/configuration.md` describes each.
 *
 * @module
 */
import { isIPv4 } from 'node:net';
import { formatBytes, parseBytes, parseDuration } from '../content/format.ts';
import { type Hours, parseHours } from './hours.ts';
import { POLICIES, type Policy } from '../verify/expect.ts';

/** One setting: how it is written, and what it means. */
export interface Setting<T> {
  readonly summary: string;
  /** As a user would write it. */
  readonly default: string;
  /** The environment variable that overrules the file. */
  readonly env?: string;
  /** Whether the agent reads it when it starts, and not again. */
  readonly readAtStart?: true;
  /** What is accepted, in words that go on from "expected". */
  readonly expected: string;
  /** Undefined when `text` is not acceptable. */
  parse(this: void, text: string): T | undefined;
  /** Set where a project may have a say: whether `value` asks for at least as much as `than`. */
  tightens?(this: void, value: T, than: T): boolean;
}

/** How long a timer can wait in Node, in milliseconds: somewhat more than 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

const setting = <T>(entry: Setting<T>): Setting<T> => entry;

const choice =
  <T extends string>(choices: readonly T[]) =>
  (text: string): T | undefined =>
    choices.find((each) => each === text);

const duration = (least: number) => (text: string) => {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= least && ms <= LONGEST_TIMER ? ms : undefined;
};

const FILL_MODES = ['link', 'copy', 'off'] as const;

/** How a tool's own cache is filled: by hard links where they can be, by copies, or not at all. */
export type FillMode = (typeof FILL_MODES)[number];

const LOCAL_FILL_MODES = ['copy', 'off'] as const;

/** How a local repository is filled, whose files their user may change: by copies, or not at all. */
export type LocalFillMode = (typeof LOCAL_FILL_MODES)[number];

/** The least that a cache may be limited to, in bytes. */
const LEAST_CACHE = 1_000_000;

/** A host, and maybe a port, in lower case. */
const HOST = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9]\d{0,4})?$/;

const SHARES = ['off', 'lan', 'public'] as const;

/** With whom we share: nobody, those on links with private addresses, everybody. */
export type ShareMode = (typeof SHARES)[number];

const COPIES_MODES = ['off', 'trusted', 'neighbours'] as const;

/** Whose copies of documents are taken where no registry is asked: nobody's, those of peers that the user trusts, any neighbour's. */
export type CopiesMode = (typeof COPIES_MODES)[number];

/** The least that sharing may be limited to, in bytes per second: less is better switched off. */
const LEAST_RATE = 10_000;

const rate = {
  default: 'unlimited',
  expected: `a size per second such as 1MB, at least ${formatBytes(LEAST_RATE)}, or unlimited`,
  parse(text: string): number | 'unlimited' | undefined {
    const bytes = text === 'unlimited' ? text : parseBytes(text.replace(/\/s$/, ''));
    return bytes === 'unlimited' || (bytes !== undefined && bytes >= LEAST_RATE) ? bytes : undefined;
  },
} as const;

const port = {
  default: 'auto',
  expected: 'a port from 1 to 65535, or auto',
  parse(text: string): number | 'auto' | undefined {
    if (text === 'auto') return text;
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    return number >= 1 && number <= 65_535 ? number : undefined;
  },
} as const;

/** By key, in the order in which they are listed. */
export const SETTINGS = {
  'cache.limit': setting<number | 'auto'>({
    summary: 'Size at which the least recently used content is dropped; auto: 20 GB or 10 % of the disk',
    default: 'auto',
    env: 'PYRSIA_CACHE_LIMIT',
    readAtStart: true,
    expected: `a size such as 20GB, at least ${formatBytes(LEAST_CACHE)}, or auto`,
    parse(text) {
      const bytes = text === 'auto' ? text : parseBytes(text);
      return bytes === 'auto' || (bytes !== undefined && bytes >= LEAST_CACHE) ? bytes : undefined;
    },
  }),
  policy: setting<Policy>({
    summary:
      'How much evidence is asked for: observe any, locked more than a lockfile, strict no weak digest',
    default: 'observe',
    env: 'PYRSIA_POLICY',
    expected: 'observe, locked or strict',
    parse: choice(POLICIES),
    tightens: (value, than) => POLICIES.indexOf(value) >= POLICIES.indexOf(than),
  }),
  'npm.public': setting<readonly string[]>({
    summary: 'Registries that count as public besides the one that npm ships',
    default: '',
    expected: 'http or https URLs without credentials, separated by commas',
    parse(text) {
      const urls = text
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(registryUrl);
      return urls.every((url) => url !== undefined) ? [...new Set(urls)] : undefined;
    },
  }),
  'docker.public': setting<readonly string[]>({
    summary: 'Registries of images that count as public besides the one that docker ships',
    default: '',
    expected: 'hosts such as ghcr.io, with a port where it is not the usual one, separated by commas',
    parse(text) {
      const hosts = text.split(/[\s,]+/).filter(Boolean);
      return hosts.every((host) => HOST.test(host)) ? [...new Set(hosts)] : undefined;
    },
  }),
  'npm.fill': setting<FillMode>({
    summary: "How npm's own cache is filled with what its lockfile names and we have: link, copy, or off",
    default: 'link',
    env: 'PYRSIA_FILL',
    expected: 'link, copy or off',
    parse: choice(FILL_MODES),
  }),
  'npm.fill.max': setting<number>({
    summary: "The most that one command may write into npm's own cache where files are copied",
    default: '1GB',
    expected: 'a size such as 1GB, or 0',
    parse: parseBytes,
  }),
  'maven.fill': setting<LocalFillMode>({
    summary: "How Maven's local repository is filled with what a project asked for before: copy, or off",
    default: 'copy',
    env: 'PYRSIA_MAVEN_FILL',
    expected: 'copy or off',
    parse: choice(LOCAL_FILL_MODES),
  }),
  'log.submit': setting<'on' | 'off'>({
    summary:
      'Whether what was fetched from public registries and the log does not know is submitted to it by itself',
    default: 'off',
    expected: 'on or off',
    parse: choice(['on', 'off']),
  }),
  'upstream.timeout': setting<number>({
    summary: 'Silence of an upstream after which it counts as failed',
    default: '30s',
    env: 'PYRSIA_UPSTREAM_TIMEOUT',
    readAtStart: true,
    expected: 'a duration such as 30s, from 1ms to 24d',
    parse: duration(1),
  }),
  'agent.idle': setting<number>({
    summary: 'How long the agent stays when nothing is running; 0: it ends with the last launch',
    default: '10m',
    env: 'PYRSIA_IDLE',
    readAtStart: true,
    expected: 'a duration such as 10m, up to 24d, or 0',
    parse: duration(0),
  }),
  'proxy.host': setting<string>({
    // Not ::1: npm cannot reach an address that a URL writes in brackets.
    summary: 'Loopback address that the agent listens on',
    default: '127.0.0.1',
    readAtStart: true,
    expected: 'a loopback address such as 127.0.0.1',
    parse: (text) => (isIPv4(text) && text.startsWith('127.') ? text : undefined),
  }),
  'proxy.port': setting<number | 'auto'>({
    summary: 'First port to try for the first upstream; auto: any, kept from then on',
    readAtStart: true,
    ...port,
  }),
  peers: setting<'on' | 'off'>({
    summary: 'Whether other computers are asked for what is missing, and answered at all',
    default: 'on',
    env: 'PYRSIA_PEERS',
    expected: 'on or off',
    parse: choice(['on', 'off']),
    tightens: (value) => value === 'off',
  }),
  'peers.copies': setting<CopiesMode>({
    summary:
      "Whose copies of registries' documents and tags are taken under PYRSIA_OFFLINE=1: neighbours', trusted peers', nobody's",
    default: 'neighbours',
    env: 'PYRSIA_COPIES',
    expected: 'neighbours, trusted or off',
    parse: choice(COPIES_MODES),
    tightens: (value, than) => COPIES_MODES.indexOf(value) <= COPIES_MODES.indexOf(than),
  }),
  'peers.port': setting<number | 'auto'>({
    summary: 'Port at which other computers reach us; auto: any, kept from then on',
    readAtStart: true,
    ...port,
  }),
  share: setting<ShareMode>({
    summary: 'Who is given what is public: nobody (off), the local network (lan), or everybody (public)',
    default: 'lan',
    env: 'PYRSIA_SHARE',
    expected: 'off, lan or public',
    parse: choice(SHARES),
  }),
  'share.hours': setting<Hours>({
    summary: 'Hours of the day within which anybody is given something; always: all day',
    default: 'always',
    expected: 'always, or hours such as 22:00-07:00, separated by commas',
    parse: parseHours,
  }),
  'share.up': setting<number | 'unlimited'>({ summary: 'The most that is given in a second', ...rate }),
  'share.down': setting<number | 'unlimited'>({
    summary: 'The most that is taken from other computers in a second',
    ...rate,
  }),
} as const;

/** The name of a setting. */
export type Key = keyof typeof SETTINGS;

/** Every setting's effective value: sizes in bytes, durations in milliseconds. */
export type Config = { readonly [K in Key]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never };

/** The names of all settings. */
export const KEYS = Object.keys(SETTINGS).filter(isKey);

/** Whether there is a setting of this name. */
export function isKey(text: string): text is Key {
  return Object.hasOwn(SETTINGS, text);
}

/** The setting of this name, whatever the type of its values. */
export function settingOf(key: Key): Setting<unknown> {
  return SETTINGS[key];
}

/** Says what is wrong with `text` as a value of `key`, or with `key` itself; undefined when nothing is. */
export function problemWith(key: string, text?: string): string | undefined {
  if (!isKey(key)) return `Unknown setting "${key}": see pyrsia config ls`;
  const { parse, expected } = settingOf(key);
  if (text === undefined || parse(text) !== undefined) return undefined;
  return `Cannot set ${key} to "${text}": expected ${expected}`;
}

function registryUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return undefined;
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}
