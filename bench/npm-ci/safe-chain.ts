/**
 * safe-chain, which looks into what npm downloads, between npm and the registry. Here it takes our mirror for a
 * registry that it knows. Its lists of malware come from a server of ours, and are empty, since its own may be
 * out of reach: it takes at least this long.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CI, type Install, placeAt, projectAt, type World } from './install.ts';
import { installed } from './npms.ts';
import { type Place, timed } from './place.ts';

const SAFE_CHAIN = { '@aikidosec/safe-chain': '1.5.20' };

/** Installs it and its lists. Rejects where it cannot be had. */
export async function safeChain(world: World): Promise<Install> {
  const { base, authority, open } = world;
  // Its certificates are for names, and not for addresses.
  const registry = world.registry.replace('//127.0.0.1:', '//localhost:');
  const program = join(await installed(base, SAFE_CHAIN), 'aikido-npm');
  const lists = createServer((_, response) => response.writeHead(200, { etag: '"none"' }).end('[]'));
  lists.listen(0, '127.0.0.1');
  await once(lists, 'listening');
  open.defer(() => {
    lists.close();
    lists.closeAllConnections();
  });

  // An authority in any npmrc would be the only one, and not that of safe-chain.
  const { env, npmCache } = placeAt({ ...world, authority: undefined }, 'safe-chain', registry);
  const place: Place = {
    npmCache,
    env: {
      ...env,
      npm_config_globalconfig: join(base, 'safe-chain', 'no-npmrc'),
      ...(authority && { NODE_EXTRA_CA_CERTS: authority.file }),
      SAFE_CHAIN_NPM_CUSTOM_REGISTRIES: new URL(registry).host,
      SAFE_CHAIN_MALWARE_LIST_BASE_URL: `http://127.0.0.1:${(lists.address() as AddressInfo).port}`,
    },
  };
  const dir = projectAt(world, 'safe-chain', registry);
  return { dir, measure: async () => timed(place, dir, `'${program}' ${CI}`) };
}
