/**
 * Layers of any size: in bounded memory, fetched once, and gone on with whatever is killed. `LAYER_BYTES=5e9` tries
 * it with one of 5 GB, for which there must be three times as much room.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { has, layerLines } from '../support/image-registry.ts';
import { insecure, readingConf } from '../support/image-world.ts';
import { type HugeRegistry, startHugeRegistry } from '../support/huge-registry.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const SIZE = Number(process.env['LAYER_BYTES'] ?? 300e6);
/** The most memory of the agent, in bytes. */
const MEMORY = 200e6;
const timeout = 120_000 + SIZE / 10_000;

/** What the files below a directory have, in bytes. */
function bytesIn(...path: string[]): number {
  const folder = join(...path);
  if (!existsSync(folder)) return 0;
  const names = readdirSync(folder, { recursive: true }).map(String);
  return names.reduce((sum, name) => {
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    return sum + (found?.isFile() === true ? found.size : 0);
  }, 0);
}

describe.skipIf(!has('skopeo'))(`A layer of ${SIZE / 1e6} MB`, { timeout }, () => {
  let registry: HugeRegistry;
  let sandbox: Sandbox;
  let env: Record<string, string>;

  beforeAll(async () => {
    registry = await startHugeRegistry(SIZE);
  }, timeout);
  afterAll(async () => registry[Symbol.asyncDispose]());
  beforeEach(() => {
    registry.sent.length = 0;
    sandbox = openSandbox();
    env = readingConf(sandbox, insecure(registry.host));
  });
  afterEach(async () => {
    registry.release();
    await sandbox[Symbol.asyncDispose]();
  });

  const image = () => `${registry.host}/app:1`;
  const options = () => ({ env, timeoutMs: timeout });
  const pull = () =>
    sandbox.start(
      sandbox.pyrsiaCommand(['pull', '--no-load', '--platform', 'linux/amd64', image()]),
      options(),
    );
  const skopeo = (to: string) => {
    mkdirSync(join(sandbox.root, to));
    const command = ['skopeo', '--insecure-policy', 'copy', '-q', `docker://${image()}`];
    const args = ['exec', '--', ...command, `dir:${join(sandbox.root, to)}`];
    return sandbox.start(sandbox.pyrsiaCommand(args), options());
  };
  const cached = (): number => bytesIn(sandbox.env['XDG_CACHE_HOME']!, 'pyrsia');
  const partial = (): number => bytesIn(sandbox.env['XDG_CACHE_HOME']!, 'pyrsia/partial');
  const come = async (bytes: () => number): Promise<void> => {
    await expect.poll(bytes, { timeout, interval: 50 }).toBeGreaterThan(SIZE / 4);
  };
  const agent = async (): Promise<number> => {
    const { stdout } = await sandbox.pyrsia(['agent', 'status', '--json']);
    return (JSON.parse(stdout) as { pid: number }).pid;
  };
  /** The beginning is asked for once more, until it is known how large the layer is. */
  const expectGoneOn = (left: number): void => {
    expect(registry.sent.at(-1)).toEqual({ from: left, bytes: SIZE - left });
    const again = registry.sent.slice(1, -1).reduce((sum, { bytes }) => sum + bytes, 0);
    expect(again).toBeLessThan(30e6);
  };
  const expectModest = async (): Promise<void> => {
    const status = readFileSync(`/proc/${await agent()}/status`, 'utf8');
    const most = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    if (process.env['LAYER_BYTES']) console.log(`the agent took ${Math.round(most / 1e6)} MB`);
    expect(most).toBeLessThan(MEMORY);
  };

  it('is fetched once for two who want it at the same time, one of whom reads along', async () => {
    registry.holdAt(SIZE / 2);
    const pulling = pull();
    await come(partial);
    const copying = skopeo('copy');
    await come(() => bytesIn(sandbox.root, 'copy'));
    registry.release();
    expect(await pulling.result).toMatchObject({ code: 0, stderr: expect.stringMatching(layerLines) });
    expect(await copying.result).toMatchObject({ code: 0, stderr: expect.stringContaining('2 verified') });
    expect(registry.sent).toEqual([{ from: 0, bytes: SIZE }]);
    expect(bytesIn(sandbox.root, 'copy')).toBeGreaterThan(SIZE);
    expect(cached()).toBeLessThan(SIZE * 1.05);
    await expectModest();
  });

  it('is gone on with after the agent was killed with kill -9', async () => {
    registry.holdAt(SIZE / 2);
    const pulling = pull();
    await come(partial);
    process.kill(await agent(), 'SIGKILL');
    expect((await pulling.result).code).toBe(1);
    const left = partial();
    registry.release();
    expect(await skopeo('copy').result).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('2 verified'),
    });
    expectGoneOn(left);
    expect(cached()).toBeLessThan(SIZE * 1.05);
    await expectModest();
  });

  it('is gone on with after Ctrl-C, which ends the command with 130 and nothing else', async () => {
    registry.holdAt(SIZE / 2);
    const command = sandbox.pyrsiaCommand(['pull', '--no-load', '--platform', 'linux/amd64', image()]);
    // The shell outlives the signal, as one does at a terminal.
    const shell = sandbox.start(
      ['sh', '-c', 'trap : INT; "$@"; echo "ended with $?"', 'sh', ...command],
      options(),
    );
    await come(partial);
    const before = await agent();
    shell.kill('SIGINT');
    expect((await shell.result).stdout).toContain('ended with 130');
    expect(await agent()).toBe(before);
    const left = partial();
    expect(left).toBeGreaterThan(SIZE / 4);
    registry.release();
    expect(await pull().result).toMatchObject({ code: 0, stderr: expect.stringMatching(layerLines) });
    expectGoneOn(left);
    expect(partial()).toBe(0);
  });
});
