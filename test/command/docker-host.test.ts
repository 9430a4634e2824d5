import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDockerHost } from '../../src/command/docker-host.ts';
import { openSession } from '../../src/session.ts';
import { startAgent } from './answering-agent.ts';

it('A socket in front of docker’s daemon is opened once for a shell, and anew when it is gone', async () => {
  let opened = 0;
  const told: (string | undefined)[] = [];
  await using at = await startAgent(() => {
    opened += 1;
    return { notes: [], redirection: { env: { DOCKER_HOST: addressOf(`${opened}`) }, args: [] } };
  });
  const addressOf = (name: string): string => `unix://${join(at.directory, `${name}.docker`)}`;
  /** As a shell evaluates what it is told: again and again. */
  const evaluate = async (env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> => {
    await using session = openSession({ version: '1.0.0', root: '/nowhere', env, cwd: at.directory });
    const { host, variables } = await openDockerHost(
      { ...session, agent: async () => at.agent },
      process.pid,
    );
    told.push(host);
    return { ...env, ...variables };
  };

  const first = await evaluate({
    HOME: at.directory,
    XDG_RUNTIME_DIR: at.directory,
    DOCKER_HOST: 'unix:///theirs',
  });
  const server = createServer();
  await once(server.listen(addressOf('1').slice('unix://'.length)), 'listening');
  const again = await evaluate(first);
  expect(again).toEqual(first);
  expect(again).toMatchObject({ DOCKER_HOST: addressOf('1'), PYRSIA_WAS_DOCKER_HOST: 'unix:///theirs' });

  await server[Symbol.asyncDispose]();
  const anew = await evaluate(again);
  expect(anew).toMatchObject({ DOCKER_HOST: addressOf('2'), PYRSIA_WAS_DOCKER_HOST: 'unix:///theirs' });
  expect(told).toEqual(['1', '1', '2'].map(addressOf));
  expect(opened).toBe(2);
});
