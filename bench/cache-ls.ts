/**
 * `pyrsia cache ls` of 20,000 artifacts, as a multiple of starting Node (`node -e 0`), interleaved in one run.
 *
 *     npm run build && node bench/cache-ls.ts [rounds]
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openCache } from '../src/cache/open-cache.ts';

const ARTIFACTS = 20_000;
const rounds = Number(process.argv[2] ?? 15);
const run = promisify(execFile);
const base = await mkdtemp(join(tmpdir(), 'bench-'));
const env = { ...process.env, XDG_CACHE_HOME: base, XDG_STATE_HOME: join(base, 'state') };
const pyrsia = join(import.meta.dirname, '..', 'bin', 'run.js');

async function secondsOf(...args: string[]): Promise<number> {
  const startedAt = performance.now();
  await run(process.execPath, args, { env, maxBuffer: 2 ** 30 });
  return (performance.now() - startedAt) / 1000;
}

try {
  const cache = await openCache(join(base, 'pyrsia'));
  for (let i = 0; i < ARTIFACTS; i++) {
    const bytes = Buffer.from(`content ${i}`);
    const { digests, size } = await cache.content.put({ digests: [] }, [bytes]);
    const coordinates = {
      ecosystem: 'npm',
      name: `package-${i % 4000}`,
      version: `1.${Math.floor(i / 4000)}.0`,
    } as const;
    await cache.bindings.put({ upstream: 'npm', coordinates, digests, size, private: false, seenAt: i });
  }
  await cache[Symbol.asyncDispose]();

  const { stdout } = await run(process.execPath, [pyrsia, 'cache', 'ls', '--json'], {
    env,
    maxBuffer: 2 ** 30,
  });
  const listed = (JSON.parse(stdout) as unknown[]).length;
  if (listed !== ARTIFACTS) throw new Error(`cache ls lists ${listed} artifacts`);

  const list: number[] = [];
  const node: number[] = [];
  for (let round = 0; round < rounds; round++) {
    list.push(await secondsOf(pyrsia, 'cache', 'ls'));
    node.push(await secondsOf('-e', '0'));
  }
  const ratios = list.map((each, i) => each / node[i]!);
  console.log(
    `cache ls of ${ARTIFACTS} artifacts: ${(median(list) * 1000).toFixed(0)} ms; node -e 0: ${(median(node) * 1000).toFixed(0)} ms; ` +
      `ratio ${median(ratios).toFixed(1)} (${Math.min(...ratios).toFixed(1)}–${Math.max(...ratios).toFixed(1)}), ${rounds} rounds`,
  );
} finally {
  await rm(base, { recursive: true, force: true });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
