/**
 * An agent that answers launches as a test says, and does nothing else.
 *
 * @module
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentClient, openConnection } from '../../src/control/connection.ts';
import { socketPath } from '../../src/control/directory.ts';
import { PROTOCOL } from '../../src/control/protocol.ts';
import { controlServer, type Handlers } from '../../src/control/server.ts';

/** Such an agent, and who is connected to it. */
export interface AnsweringAgent extends AsyncDisposable {
  /** Its directory. */
  readonly directory: string;
  readonly agent: AgentClient;
}

/** Starts an agent. */
export async function startAgent(launch: Handlers['launch']): Promise<AnsweringAgent> {
  const directory = mkdtempSync(join(tmpdir(), 'pyrsia-launch-'));
  const hello = { pyrsia: '1.0.0', protocol: PROTOCOL, pid: process.pid };
  const control = controlServer(hello, { launch } as Handlers, () => {});
  control.server.listen(socketPath(directory));
  await once(control.server, 'listening');
  const agent = (await openConnection(directory))!;
  return {
    directory,
    agent,
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      control.close();
      rmSync(directory, { recursive: true });
    },
  };
}
