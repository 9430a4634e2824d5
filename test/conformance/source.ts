import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/content/digest.ts';
import type { Source } from '../../src/content/source.ts';
import { bytesOf } from '../support/streams.ts';

/** A source that holds `content` under its sha512, and whatever closes it. */
export type OpenSource = (
  content: Uint8Array,
) => Promise<{ readonly source: Source } & Partial<AsyncDisposable>>;

/** What every {@link Source} must do, besides telling the truth. Each implementation runs this same suite. */
export function sourceConformance(openSource: OpenSource): void {
  const content = randomBytes(300_000);
  const wanted = { digests: [digestOf(content, 'sha512')] };

  describe('as a Source', () => {
    it('opens all of its content and says how long it is', async () => {
      const { source, ...rest } = await openSource(content);
      const opened = await source.open(wanted);
      expect(opened?.size).toBe(content.byteLength);
      expect(Buffer.compare(await bytesOf(opened!.chunks), content)).toBe(0);
      await rest[Symbol.asyncDispose]?.();
    });

    it.each([
      ['from an offset', { offset: 100_000 }, content.subarray(100_000)],
      ['up to a length', { length: 5 }, content.subarray(0, 5)],
      ['in the middle', { offset: 7, length: 200_000 }, content.subarray(7, 200_007)],
      ['to the end', { offset: 299_999, length: 10 }, content.subarray(299_999)],
    ])('opens a part: %s', async (_, part, expected) => {
      const { source, ...rest } = await openSource(content);
      const opened = await source.open(wanted, part);
      expect(Buffer.compare(await bytesOf(opened!.chunks), expected)).toBe(0);
      await rest[Symbol.asyncDispose]?.();
    });

    it('claims to have proven only what holds', async () => {
      const { source, ...rest } = await openSource(content);
      const { proven } = (await source.open(wanted))!;
      for (const digest of proven) {
        const [algorithm] = digest.split(':');
        expect(digest).toBe(digestOf(content, algorithm as 'sha256'));
      }
      await rest[Symbol.asyncDispose]?.();
    });

    it('may be left in the middle', async () => {
      const { source, ...rest } = await openSource(content);
      for (let i = 0; i < 3; i++) {
        for await (const chunk of (await source.open(wanted))!.chunks) {
          expect(chunk.byteLength).toBeGreaterThan(0);
          break;
        }
      }
      await rest[Symbol.asyncDispose]?.();
    });

    it('rejects when it is aborted before', async () => {
      const { source, ...rest } = await openSource(content);
      const { signal } = { signal: AbortSignal.abort(new Error('enough')) };
      await expect(source.open(wanted, { signal })).rejects.toThrow('enough');
      await rest[Symbol.asyncDispose]?.();
    });
  });
}
