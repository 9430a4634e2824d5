/**
 * A network to try: four authorities and a client, each with a HOME and a network namespace of its own. The client submits real
 * packages, which each authority fetches by its own way; installs them with every way to the registry cut; and shows the proof.
 * Then one authority lies, and the client shows what it sees. docs/network.md tells more.
 *
 *     npm run network
 *     npm run network -- --once DIR
 *
 * `--once` does the honest part, and leaves the log's files in DIR/log, its verifier key in DIR/log.vkey and the network's file in
 * DIR/network.policy.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openGround } from './network/ground.ts';
import { foundNetwork, leaveLog, showLies, showProof, submitAndInstall } from './network/story.ts';

const { values } = parseArgs({ options: { once: { type: 'string' } } });

const over = new AbortController();
let isDone = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => over.abort());

try {
  await using open = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'pyr-net-'));
  open.defer(async () => rm(root, { recursive: true, force: true, maxRetries: 3 }));
  const ground = open.use(openGround());
  console.log(`Four authorities and a client: a HOME each below ${root}, and ${ground.told}`);
  const network = await foundNetwork({ root, ground, npm: npmHere(), signal: over.signal, open });
  await submitAndInstall(network);
  await showProof(network);
  if (values.once !== undefined) leaveLog(network, resolve(process.env['INIT_CWD'] ?? '.', values.once));
  else {
    await showLies(network);
    isDone = true;
    if (process.stdin.isTTY) {
      console.log(`\nIt goes on until you press Ctrl-C. Whatever you want to try as the client:`);
      console.log(`  ${network.door} pyrsia log search --package npm:left-pad`);
      await once(over.signal, 'abort');
    }
  }
} catch (error) {
  if (!over.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
if (over.signal.aborted && !isDone) process.exitCode = 130;

/** What npm is configured with here, for whoever starts this. */
function npmHere(): ReadonlyMap<string, string> {
  const { stdout } = spawnSync('npm', ['config', 'ls', '--long', '--json'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const all: Record<string, unknown> = JSON.parse(stdout);
  return new Map(
    Object.entries(all).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}
