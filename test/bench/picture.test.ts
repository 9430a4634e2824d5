import { describe, expect, it } from 'vitest';
import { pictureOf } from '../../bench/npm-ci/picture.ts';
import { type Sample, WAYS } from '../../bench/npm-ci/results.ts';
import { tableOf } from '../../bench/npm-ci/table.ts';
import { runOf, sample } from './run.ts';

const seconds = (...all: number[]): Sample[] => all.map((each) => sample({ seconds: each }));
const widthsIn = (picture: string): number[] =>
  [...picture.matchAll(/<rect [^>]*x=[^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));

describe('The picture', () => {
  it('has a bar for each way, as long as its time against a direct install', () => {
    const picture = pictureOf([runOf({ direct: seconds(4), warm: seconds(2), proxy: seconds(3) })]);
    const [direct, warm, proxy] = widthsIn(picture);
    expect(warm! / direct!).toBeCloseTo(0.5);
    expect(proxy! / direct!).toBeCloseTo(0.75);
    for (const way of ['direct', 'warm', 'proxy'] as const) expect(picture).toContain(`>${WAYS[way]}<`);
    expect(picture).toContain('>0.50 × · 2.0 s<');
  });

  it('draws all runs to one scale', () => {
    const one = runOf({ direct: seconds(4), warm: seconds(2) });
    const other = runOf({ direct: seconds(1), verdaccio: seconds(2) }, { npm: '12.2.0', node: '24.1.0' });
    const [direct, , directToo, verdaccio] = widthsIn(pictureOf([one, other]));
    expect(directToo).toBe(direct);
    expect(verdaccio! / direct!).toBeCloseTo(2);
    expect(pictureOf([one, other])).toContain('npm 12 on Node 24');
  });

  it('says how often it was measured, and of what', () => {
    expect(pictureOf([runOf({ direct: seconds(1) }, { rounds: 11 })])).toContain('11 interleaved rounds');
    expect(pictureOf([runOf({ direct: seconds(1) })])).toContain('503 packages');
  });

  it('asks nobody for anything, and is readable on dark pages too', () => {
    const picture = pictureOf([runOf({ direct: seconds(1) })]);
    expect(picture).not.toMatch(/(?:href|src|url\()/);
    expect(picture).toContain('prefers-color-scheme: dark');
  });
});

describe('The table', () => {
  it('tells what was measured, what is over its bar, and what could not be measured', () => {
    const text = tableOf(
      runOf(
        { direct: seconds(1, 1), warm: seconds(0.5, 0.9) },
        { left: { verdaccio: 'it is not there' }, rounds: 2 },
      ),
    );
    expect(text).toMatch(/^warm +0\.70 \(0\.60–0\.80\) +0\.70/m);
    expect(text).toContain('OVER  warm: 0.70 (0.60–0.80) × direct, bar 0.6');
    expect(text).toContain('ok    warm: 0 requests, bar 0');
    expect(text).toContain('Not measured: verdaccio (it is not there)');
  });
});
