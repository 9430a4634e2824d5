import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { openHaveAsker } from '../../src/p2p/find/ask-have.ts';
import { monotonicClock } from '../../src/p2p/clock.ts';
import { type Giver, giver } from '../support/peer-hosts.ts';

const nothing = (n: number): Digest => digestOf(Buffer.from(`nothing ${n}`), n % 2 ? 'sha256' : 'sha512');

describe('a question of what a peer has', () => {
  let one: Giver;
  let gives = true;
  beforeAll(async () => {
    one = await giver({
      gives: () => gives,
      hints: async ({ digests }) => [
        { peer: 'QmOther', addresses: ['/ip4/192.0.2.1/tcp/1'], which: [digests.length - 1] },
      ],
    });
  });
  afterAll(() => one[Symbol.asyncDispose]());
  const { ask } = openHaveAsker(monotonicClock);

  it('is answered for 256 digests at once: all of it, a part, or nothing', async () => {
    const whole = await one.offer(randomBytes(1000));
    const part = await one.offer(randomBytes(2000), { available: 500 });
    const digests = [whole, ...Array.from({ length: 254 }, (_, i) => nothing(i)), part];
    const { holdings, hints } = await ask(await one.connect(), digests);
    expect(holdings[0]).toEqual({ size: 1000, available: 1000 });
    expect(holdings[255]).toEqual({ size: 2000, available: 500 });
    expect(holdings.filter((holding) => holding !== undefined)).toHaveLength(2);
    expect(hints).toEqual([]);
  });

  it('is answered as well by what others are thought to have, where that is wanted', async () => {
    const { holdings, hints } = await ask(await one.connect(), [nothing(0), nothing(1)], { delegate: true });
    expect(holdings).toEqual([undefined, undefined]);
    expect(hints).toEqual([{ peer: 'QmOther', addresses: ['/ip4/192.0.2.1/tcp/1'], which: [1] }]);
  });

  it('is answered with nothing where nothing is given', async () => {
    const whole = await one.offer(randomBytes(1000));
    const connection = await one.connect();
    gives = false;
    expect(await ask(connection, [whole], { delegate: true })).toMatchObject({
      holdings: [undefined],
      hints: [],
    });
    gives = true;
    expect((await ask(connection, [whole])).holdings).toEqual([{ size: 1000, available: 1000 }]);
  });

  it('may be asked many times at once on one connection, and of nothing at all', async () => {
    const connection = await one.connect();
    const answers = await Promise.all(
      Array.from({ length: 15 }, (_, i) => ask(connection, i ? [nothing(i)] : [])),
    );
    expect(answers.map(({ holdings }) => holdings.length)).toEqual([
      0,
      ...Array.from({ length: 14 }, () => 1),
    ]);
    const streams = connection.streams.filter(({ protocol }) => protocol === '/pyrsia/have/1');
    expect(streams).toHaveLength(1);
  });

  it('is given up when nobody waits for it any more', async () => {
    const connection = await one.connect();
    await expect(ask(connection, [nothing(1)], { signal: AbortSignal.abort('enough') })).rejects.toBe(
      'enough',
    );
    expect((await ask(connection, [nothing(1)])).holdings).toEqual([undefined]);
  });
});
