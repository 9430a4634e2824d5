/**
 * For which machine an image is, and which one of an index docker would take.
 *
 * @see https://github.com/containerd/platforms/blob/v1.0.0/compare.go
 * @see https://github.com/containerd/platforms/blob/v1.0.0/database.go
 * @module
 */
import { PyrsiaError } from '../../errors.ts';

/** Operating system and processor, in Go's words: `linux`, `arm64`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v7`, of an `arm`. */
  readonly variant?: string;
}

const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  x64: ['amd64'],
  i386: ['386'],
  ia32: ['386'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
};

/** The one spelling of a platform that has several: `aarch64/8` is `arm64`. */
function normalized({ os, architecture, variant = '' }: Platform): Platform {
  const [system, said] = [os.toLowerCase(), architecture.toLowerCase()];
  const known = Object.hasOwn(ARCHITECTURES, said) ? ARCHITECTURES[said]! : ([said] as const);
  const [processor, implied] = known;
  const given = (implied ?? variant).toLowerCase().replace(/^(\d+)$/, 'v$1');
  const common: Readonly<Record<string, string>> = { arm64: 'v8', amd64: 'v1' };
  const told = processor === 'arm' ? given || 'v7' : given === common[processor] ? '' : given;
  return {
    os: system === 'macos' ? 'darwin' : system,
    architecture: processor,
    ...(told === '' ? {} : { variant: told }),
  };
}

/**
 * Reads `linux/arm64`, `linux/arm/v7`, or an architecture alone, which is of Linux.
 *
 * @throws PyrsiaError `REFERENCE_MALFORMED`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || !parts.every((part) => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(part))) {
    const reason = 'a platform is written linux/amd64 or linux/arm/v7';
    throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason });
  }
  const [os, architecture, variant] = parts.length === 1 ? ['linux', ...parts] : parts;
  return normalized({ os: os!, architecture: architecture!, ...(variant === undefined ? {} : { variant }) });
}

/** `linux/arm/v7` */
export function printPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/** The platform whose images a machine runs, in Node's words; engines run Linux everywhere but on Windows. */
export function platformOf(machine: { readonly platform: string; readonly arch: string }): Platform {
  return normalized({ os: machine.platform === 'win32' ? 'windows' : 'linux', architecture: machine.arch });
}

/** What runs on `platform`, best first: an arm of version 7 also runs what is for version 6 and 5. */
function runnable(platform: Platform): readonly Platform[] {
  const { os, architecture, variant } = platform;
  const version = Number(/^v(\d+)$/.exec(variant ?? '')?.[1] ?? (architecture === 'amd64' ? 1 : 8));
  const versions = (of: string, highest: number, lowest: number): readonly Platform[] =>
    Array.from({ length: Math.max(0, highest - lowest + 1) }, (_, below) =>
      normalized({ os, architecture: of, variant: `v${highest - below}` }),
    );
  if (architecture === 'amd64') return [...versions('amd64', version, 1), { os, architecture: '386' }];
  if (architecture === 'arm') return versions('arm', version, 5);
  if (architecture === 'arm64') return [platform, ...versions('arm', version, 5)];
  return [platform];
}

/**
 * The entry that docker would take for `wanted`: the first one of the best platform that runs there. Undefined
 * when none does. What names no platform is taken only where nothing names one.
 */
export function choose<T extends { readonly platform?: Platform }>(
  entries: readonly T[],
  wanted: Platform,
): T | undefined {
  for (const each of runnable(normalized(wanted))) {
    const found = entries.find(
      ({ platform }) => platform && printPlatform(normalized(platform)) === printPlatform(each),
    );
    if (found) return found;
  }
  return entries.every(({ platform }) => platform === undefined) ? entries[0] : undefined;
}
