import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What attacks on a log a client, a single sequencer and cosigners have to answer: the numbers of the design's list. */
const ATTACKS = [3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 22, 24, 28, 29, 30, 32, 33, 47, 48, 53, 54, 59, 60];

/** The numbers with which tests' names begin: `24, 29: refuses …`. */
async function numbersIn(pattern: string): Promise<Set<number>> {
  const found = new Set<number>();
  for await (const file of glob(pattern, { cwd: root }))
    for (const [, list = ''] of readFileSync(join(root, file), 'utf8').matchAll(
      /['`](\d+(?:, \d+)*): [^'`]+['`],\s*(?:\{[^}]*\},\s*)?(?:async\b|\(|\[|\n)/g,
    ))
      for (const number of list.split(', ')) found.add(Number(number));
  return found;
}

describe('Attacks on a log', () => {
  it('are each a test with its number in its name', async () => {
    const tried = await numbersIn('test/{authority,commands,e2e,log,simulation,trust,verify}/*.test.ts');
    expect(ATTACKS.filter((number) => !tried.has(number))).toEqual([]);
  });

  it('would be missed if nobody tried them', async () => {
    expect(await numbersIn('test/house/closing-line*.ts')).toEqual(new Set());
  });
});
