import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/commands/status.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

let home: Sandbox;
beforeAll(() => {
  home = openSandbox();
});
afterAll(() => home[Symbol.asyncDispose]());

const status = async () => JSON.parse((await home.pyrsia(['status', '--json'])).stdout) as Status;

describe('status', () => {
  it('says of each tool whether its shim is reached, and makes nothing', async () => {
    expect((await status()).shims).toContainEqual({ tool: 'npm', state: 'missing' });
    expect((await home.pyrsia(['status'])).stdout).toMatch(/^shims +npm missing, npx missing(,|$)/m);
    expect(existsSync((await status()).paths.shims)).toBe(false);
    await home.pyrsia(['shim', 'install', 'npm', '--no-path']);
    expect((await status()).shims).toContainEqual({ tool: 'npm', state: 'unreachable' });
  });

  it('tells the rest when the agent does not answer, and names the doctor', { timeout: 30_000 }, async () => {
    await home.pyrsia(['exec', '--', 'true']);
    const { pid } = (await status()).agent;
    expect(pid).toBeGreaterThan(0);
    process.kill(pid!, 'SIGSTOP');
    try {
      expect(await status()).toMatchObject({
        agent: { running: true, silent: 'it does not answer' },
        cache: { artifacts: 0 },
      });
      const { code, stdout } = await home.pyrsia(['status']);
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^agent +cannot be reached: .*pyrsia doctor/m),
      ]);
    } finally {
      process.kill(pid!, 'SIGCONT');
    }
  });
});
