/**
 * How each way is prepared. What cannot be had rejects; what is started is in `world.open`.
 *
 * @module
 */
import { join } from 'node:path';
import { openCachingProxy } from './caching-proxy.ts';
import { CI, cold, type Install, plain, warm, withServer, type World } from './install.ts';
import { type LineSpec, openLine } from './line.ts';
import { EXEC } from './pyrsia.ts';
import type { Way } from './results.ts';
import { safeChain } from './safe-chain.ts';
import { openVerdaccio } from './verdaccio.ts';

/** The slow lines, by the end of the names of the ways that they are part of. */
export const LINES = {
  '-100': { bits: 100e6, roundTripMs: 40 },
  '-10': { bits: 10e6, roundTripMs: 40 },
} as const satisfies Record<string, LineSpec>;

export const prepare: Readonly<Record<Way, (world: World) => Install | Promise<Install>>> = {
  direct: (world) => plain(world, 'direct', world.registry),
  floor: (world) => plain(world, 'floor', world.registry, { keepCache: true }),
  warm: async (world) => warm(world, 'warm'),
  exec: async (world) => warm(world, 'exec', `${EXEC} npm ${CI}`),
  bare: async (world) => warm(world, 'bare', `npm ${CI}`, { PYRSIA_FILL: 'off' }),
  cold: (world) => cold(world, 'cold', world.registry),

  async proxy(world) {
    const { base, registry, authority, open } = world;
    const proxy = open.use(await openCachingProxy(registry, authority?.pem, join(base, 'proxy', 'kept')));
    return plain(world, 'proxy', proxy.url);
  },

  async verdaccio(world) {
    const { base, registry, authority, open } = world;
    const verdaccio = open.use(await openVerdaccio(registry, authority?.file, join(base, 'verdaccio')));
    const install = plain(world, 'verdaccio', verdaccio.url);
    const spentSoFar = async (): ReturnType<Parameters<typeof withServer>[1]> => verdaccio.spent();
    return { ...install, measure: async () => withServer(install.measure, spentSoFar) };
  },

  'safe-chain': safeChain,

  'direct-100': async (world) => plain(world, 'direct-100', await slowed(world, LINES['-100'])),
  'cold-100': async (world) => cold(world, 'cold-100', await slowed(world, LINES['-100'])),
  'direct-10': async (world) => plain(world, 'direct-10', await slowed(world, LINES['-10'])),
  'cold-10': async (world) => cold(world, 'cold-10', await slowed(world, LINES['-10'])),
};

/** The URL of the mirror behind a slow line. */
async function slowed({ mirror, open }: World, spec: LineSpec): Promise<string> {
  if (!mirror) throw new Error('the registry is not ours');
  const line = open.use(await openLine(mirror.port, spec));
  return `https://127.0.0.1:${line.port}/`;
}
