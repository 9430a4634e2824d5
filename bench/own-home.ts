import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a home in `directory` with nothing of the person who measures, and gives the environment that leads there. */
export function ownHome(directory: string, path = process.env['PATH'] ?? ''): Record<string, string> {
  const folder = (name: string): string => {
    mkdirSync(join(directory, name), { recursive: true, mode: 0o700 });
    return join(directory, name);
  };
  const config = folder('config');
  mkdirSync(join(config, 'pyrsia'), { mode: 0o700 });
  // It has nothing to do while the other ways are measured.
  writeFileSync(join(config, 'pyrsia', 'config.json'), JSON.stringify({ 'agent.idle': '30m' }));
  return {
    PATH: path,
    LANG: 'C.UTF-8',
    HOME: folder('home'),
    TMPDIR: folder('tmp'),
    XDG_CACHE_HOME: folder('cache'),
    XDG_CONFIG_HOME: config,
    XDG_DATA_HOME: folder('data'),
    XDG_RUNTIME_DIR: folder('run'),
    XDG_STATE_HOME: folder('state'),
    // The agents of other ways are neighbours.
    PYRSIA_PEERS: 'off',
  };
}
