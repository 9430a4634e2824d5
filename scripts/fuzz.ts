/**
 * Feeds the readers of strangers' bytes with bytes that are a little wrong, and keeps an input for each new way in
 * which reading ended: `npm run fuzz` takes ten minutes for each reader, `npm run fuzz -- note 0.5` half a minute for one.
 *
 * A finding (an error that is not ours, something that is written back otherwise, a reading that takes a second) is
 * printed with its input, and the exit code is 1. CI replays what was kept (`test/fuzz/`).
 *
 * @module
 */
import { isPyrsiaError } from '../src/errors.ts';
import { alter, randomFrom } from '../test/fuzz/alter.ts';
import { readCorpus, writeCorpus } from '../test/fuzz/corpus.ts';
import type { Target } from '../test/fuzz/target.ts';
import { targets } from '../test/fuzz/targets.ts';

/** How many inputs are kept for each reader: more are not many ways, but messages that quote the input. */
const WAYS_LIMIT = 200;

const [part = '', minutes = '10'] = process.argv.slice(2);
const chosen = targets.filter(({ name }) => name.includes(part));
if (chosen.length === 0)
  throw new Error(`There is no reader like "${part}": ${targets.map(({ name }) => name).join(', ')}`);

const seed = Date.now() | 0;
console.log(`Seed ${seed}`);
for (const target of chosen) fuzz(target, Number(minutes) * 60_000);

function fuzz(target: Target, forMs: number): void {
  const random = randomFrom(seed);
  const corpus = readCorpus(target.name);
  const samples = [
    ...target.seeds,
    ...Object.values(corpus).map(({ input }) => Buffer.from(input, 'base64')),
  ];
  const until = performance.now() + forMs;
  let [runs, findings, slowestMs] = [0, 0, 0];

  for (; performance.now() < until && findings < 10; runs++) {
    const bytes = alter(samples, random);
    // Time of this process: the machine may be busy with something else.
    const before = process.cpuUsage();
    const { outcome, said } = read(target, bytes);
    const ms = process.cpuUsage(before).user / 1000;
    slowestMs = Math.max(slowestMs, ms);
    if (outcome === 'FINDING' || ms > 1000) {
      findings += 1;
      process.exitCode = 1;
      console.log(
        `FOUND in ${target.name} (${Math.round(ms)} ms): ${said}\n  ${Buffer.from(bytes).toString('base64')}`,
      );
    } else if (!(said in corpus) && Object.keys(corpus).length < WAYS_LIMIT) {
      corpus[said] = { outcome, input: Buffer.from(bytes).toString('base64') };
      samples.push(bytes);
    }
  }
  writeCorpus(target.name, corpus);
  const ways = Object.keys(corpus).length;
  console.log(
    `${target.name}: ${runs} inputs, ${ways} ways to end, ${findings} findings, slowest ${slowestMs.toFixed(1)} ms`,
  );
}

/** How reading ends, and what is said of it, without what comes from the input. */
function read(target: Target, bytes: Uint8Array): { outcome: string; said: string } {
  try {
    target.read(bytes);
    return { outcome: 'read', said: 'read' };
  } catch (error) {
    if (isPyrsiaError(error)) return { outcome: error.code, said: `${error.code} ${general(error.message)}` };
    return {
      outcome: 'FINDING',
      said: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

/** A message without numbers, names and quotations. */
function general(message: string): string {
  return message
    .replaceAll(/"[^]*"/g, '"…"')
    .replaceAll(/without [^]*$/g, 'without …')
    .replaceAll(/, got [^]*$/g, ', got …')
    .replaceAll(/(line|entry|size|expected|from|to|of|than|and) \d+/g, '$1 N')
    .replaceAll(/\d+/g, 'N')
    .replaceAll(/line N: [^]* is (defined|not|already|no witness)/g, 'line N: … is $1')
    .replaceAll(/Unexpected token [^]* is not valid/g, 'Unexpected token … is not valid')
    .replaceAll(/the (key|signature) of [^]* (is there|does not)/g, 'the $1 of … $2')
    .slice(0, 120);
}
