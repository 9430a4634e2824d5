import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SPARE, TAKEN } from '../../src/shims/launch.ts';
import { openStandIn, SHELLS, type StandInWorld } from './stand-in.ts';

describe.each(Object.keys(SHELLS))('A stand-in for docker run by %s', (shell) => {
  it('takes a socket that is nobody’s yet, and asks where there is none', async () => {
    await using world = await openStandIn(shell, 'home', 'docker');
    await using sockets = new AsyncDisposableStack();
    const names = ['one', 'two', 'three', 'four'];
    for (const name of names) sockets.use(await spare(world, name));
    const fileOf = (name: string, suffix: string): string =>
      join(world.runtime, 'launch', `${name}.${suffix}`);
    // Another launch was quicker at each of these, and has said so in its own words.
    for (const name of ['four', 'one']) writeFileSync(fileOf(name, TAKEN), 'theirs');
    world.answer({}, ['~DOCKER_HOST=docker']);

    const taken = [await world.call(['pull', 'app']), await world.call(['pull', 'app'])];
    expect(taken.map(({ who, env }) => [who, env['DOCKER_HOST']])).toEqual(
      ['three', 'two'].map((name) => ['real', `unix://${fileOf(name, 'docker')}`]),
    );
    expect(readFileSync(fileOf('one', TAKEN), 'utf8')).toBe('theirs');
    expect(await world.call(['pull', 'app'])).toMatchObject({ who: 'node' });
  });
});

/** A socket that waits for a launch, as the agent leaves it. */
async function spare({ runtime }: StandInWorld, name: string): Promise<AsyncDisposable> {
  const path = join(runtime, 'launch', name);
  const server = createServer();
  await once(server.listen(`${path}.docker`), 'listening');
  writeFileSync(`${path}.${SPARE}`, '');
  return server;
}
