/**
 * A home of its own for each test of the agent's life, with agents and clients that are real processes.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connectAgent } from '../../src/control/client.ts';
import type { AgentClient } from '../../src/control/connection.ts';
import { pathsOf } from '../../src/paths.ts';
import type { Paths } from '../../src/paths.ts';

const root = join(import.meta.dirname, '../..');
const importOf = (path: string): string => JSON.stringify(pathToFileURL(join(root, path)).href);

/** What a client process has to tell. */
export interface ClientReport {
  readonly pid?: number;
  readonly directory?: string;
  readonly readOnly?: string;
  readonly error?: string;
}

export interface World extends AsyncDisposable {
  readonly home: string;
  readonly paths: Paths;
  readonly env: NodeJS.ProcessEnv;
  /** The program of an agent of this version. */
  entry(version: string): string;
  /** Connects from this process, starting an agent where none is running. */
  connect(version?: string): Promise<AgentClient>;
  /** Connects from this process to what is running. */
  find(version?: string): Promise<AgentClient | undefined>;
  /** A client as a process of its own, run by `wrapper` where one is given; it stays connected until `leave()`. */
  client(wrapper?: readonly string[]): { readonly report: Promise<ClientReport>; leave(): Promise<void> };
}

export function world(idleSeconds = 5): World {
  const home = mkdtempSync(join(tmpdir(), 'pyrsia-control-'));
  const perBoot = join(home, 'run');
  mkdirSync(perBoot, { mode: 0o700 });
  const env = {
    HOME: home,
    XDG_RUNTIME_DIR: perBoot,
    PATH: process.env['PATH'],
    PYRSIA_IDLE: String(idleSeconds),
  };
  const paths = pathsOf(env);
  const children: ChildProcess[] = [];

  const entry = (version: string): string => {
    const file = join(home, `agent-${version}.ts`);
    const program = `import { liveAs } from ${importOf('test/fixtures/agent.ts')};
      await liveAs(${JSON.stringify(version)});`;
    if (!existsSync(file)) writeFileSync(file, program);
    return file;
  };

  return {
    home,
    paths,
    env,
    entry,
    find: (version = '1.0.0') => connectAgent(paths, { version }),
    async connect(version = '1.0.0') {
      return (await connectAgent(paths, { version, start: { entry: entry(version), env } }))!;
    },
    client(wrapper = []) {
      const file = join(home, 'client.ts');
      const options = JSON.stringify({ version: '1.0.0', start: { entry: entry('1.0.0') } });
      const program = `import { connectAgent } from ${importOf('src/control/client.ts')};
         import { pathsOf } from ${importOf('src/paths.ts')};
         try {
           const agent = await connectAgent(pathsOf(process.env), ${options});
           const { readOnly } = await agent.call('status', {});
           console.log(JSON.stringify({ pid: agent.hello.pid, directory: agent.directory, readOnly }));
         } catch (error) {
           console.log(JSON.stringify({ error: error.message }));
         }
         process.stdin.resume().on('end', () => process.exit());`;
      if (!existsSync(file)) writeFileSync(file, program);
      const [command, ...args] = [
        ...wrapper,
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        file,
      ];
      const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      return {
        report: firstLine(child),
        async leave() {
          child.stdin.end();
          await ended;
        },
      };
    },

    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      const agent = await connectAgent(paths, { version: '1.0.0' }).catch(() => undefined);
      if (agent) {
        await agent.call('stop', { whenIdle: false });
        await agent.closed;
      }
      // Agents that were not needed may still be on their way.
      rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

function firstLine(child: ChildProcess): Promise<ClientReport> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk) => {
      text += String(chunk);
      if (text.includes('\n')) resolve(JSON.parse(text) as ClientReport);
    });
    child.once('exit', () => reject(new Error(`A client said only ${JSON.stringify(text)}`)));
  });
}

/** Resolves as soon as `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
