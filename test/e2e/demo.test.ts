/**
 * The README's first command, after its `npm ci`: on the real project and from the real registry, the one
 * that npm is configured with here.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parseBytes } from '../../src/content/format.ts';

const receiptPattern =
  /^pyrsia: (\d+) packages · (?:(\d+) cache · )?(?:(\d+) upstream · )?(?:(\d+) linked into npm's cache · )?(\d+) verified · (.*)$/gm;

it(
  'npm run demo installs from upstream, from the cache, and without a network',
  { timeout: 300_000 },
  async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['scripts/demo.ts'], {
      env: { ...process.env, npm_config_loglevel: 'error' },
    });
    expect(stdout.match(/^added 503 packages/gm)).toHaveLength(3);
    expect(stdout).toMatch(/^purl +pkg:npm\/express@5\./m);

    const receipts = [...stderr.matchAll(receiptPattern)].map(
      ([, packages, cache = '0', upstream = '0', linked = '0', verified, rest = '']) => {
        const [, bytes, saved] = /^([\d.]+ MB)(?:, ([\d.]+ [kM]B) not downloaded)? ·/.exec(rest) ?? [];
        expect(verified).toBe(packages);
        return {
          packages: Number(packages),
          cache: Number(cache),
          upstream: Number(upstream),
          linked: Number(linked),
          bytes,
          saved,
        };
      },
    );
    expect(receipts).toHaveLength(3);
    const [cold, ...warm] = receipts;
    // A package that stands in the tree more than once comes from the cache the second time.
    expect(cold!.upstream).toBeGreaterThan(480);
    expect(cold!.cache + cold!.upstream).toBe(cold!.packages);
    expect(cold!.packages).toBeLessThanOrEqual(503);
    expect(parseBytes(cold!.saved ?? '0')).toBeLessThan(parseBytes(cold!.bytes!)! / 10);
    // Once there it is there for each place in the tree.
    for (const { packages, cache, linked, upstream, bytes, saved } of warm) {
      expect([cache, linked, upstream]).toEqual([packages, packages, 0]);
      expect(packages).toBeGreaterThan(480);
      expect(saved).toBe(bytes);
    }
  },
);
