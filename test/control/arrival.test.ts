import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectAgent } from '../../src/control/arrival.ts';

/** Longer than a test may take. */
const PATIENCE_MS = 600_000;

describe.skipIf(process.platform === 'win32')('who waits for an agent', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pyr-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const appear = (): void => writeFileSync(join(directory, 'agent.sock'), '');

  it('goes on as soon as its socket is there', async () => {
    using arrival = expectAgent(directory);
    const waiting = arrival.wait(PATIENCE_MS);
    appear();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('does not wait for what has come already', async () => {
    using arrival = expectAgent(directory);
    using other = expectAgent(directory);
    appear();
    await other.wait(PATIENCE_MS); // Whoever was there first is told first.
    await expect(arrival.wait(PATIENCE_MS)).resolves.toBeUndefined();
  });

  it('goes on by the clock where nothing comes, or the directory cannot be watched', async () => {
    using arrival = expectAgent(directory);
    await arrival.wait(1);
    using blind = expectAgent(join(directory, 'missing'));
    await expect(blind.wait(1)).resolves.toBeUndefined();
  });
});
