import { describe, expect, it } from 'vitest';
import { openFeed } from '../../src/cache/feed.ts';
import { giveBack, PIECE, takeBuffer } from '../../src/content/buffers.ts';
import { HELD_BACK } from '../../src/content/verified.ts';

const KiB = 1024;

describe('what a reader who has caught up is given', () => {
  it('comes in order, behind what was in the file already, and always 64 KiB short of the end', () => {
    const feed = openFeed();
    const [first, second, third] = [40 * KiB, 30 * KiB, 64 * KiB].map((size) => new Uint8Array(size));
    expect(feed.give(third!)).toBe(true);
    feed.begin(first!);
    expect(feed.next(false)).toBe(first);
    expect(feed.next(false)).toBeUndefined();
    feed.give(second!);
    expect(feed.next(false)).toBeUndefined();
    feed.give(new Uint8Array(HELD_BACK));
    expect(feed.next(false)).toBe(third);
    expect(feed.next(false)).toBe(second);
    expect(feed.next(false)).toBeUndefined();
    expect(feed.next(true)).toHaveLength(HELD_BACK);
    expect(feed.next(true)).toBeUndefined();
  });

  it('ends where it has fallen behind, once it has had what came before', () => {
    const feed = openFeed();
    let given = 0;
    while (feed.give(new Uint8Array(PIECE))) given += PIECE;
    expect(given).toBeGreaterThanOrEqual(2 * 2 ** 20);
    expect(feed.isOver()).toBe(false);
    let had = 0;
    for (let next = feed.next(false); next; next = feed.next(false)) had += next.byteLength;
    expect(had).toBe(given - PIECE);
    expect(feed.isOver()).toBe(true);
    expect(feed.give(new Uint8Array(1))).toBe(false);
  });

  it('is given back when nobody reads it any more, and nothing is taken then', () => {
    const feed = openFeed();
    const lent = takeBuffer();
    feed.give(lent);
    feed.close();
    expect(takeBuffer().buffer).toBe(lent.buffer);
    const another = takeBuffer();
    expect(feed.give(another)).toBe(false);
    giveBack(another);
  });
});
