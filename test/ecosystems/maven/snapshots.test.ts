import { describe, expect, it } from 'vitest';
import { latestOf } from '../../../src/ecosystems/maven/snapshots.ts';
import { readXml } from '../../../src/ecosystems/maven/xml.ts';

const file = (extension: string, value: string, classifier = ''): string =>
  `<snapshotVersion>${classifier && `<classifier>${classifier}</classifier>`}<extension>${extension}</extension><value>${value}</value></snapshotVersion>`;
const BUILD = '<snapshot><timestamp>20260102.030405</timestamp><buildNumber>3</buildNumber></snapshot>';
const latest = (versioning: string, classifier?: string, type = 'jar'): string | undefined =>
  latestOf(readXml(`<metadata><versioning>${versioning}</versioning></metadata>`), '1.0-SNAPSHOT', {
    type,
    ...(classifier === undefined ? {} : { classifier }),
  });
const of = (number: number): string => `1.0-20260102.030405-${number}`;

describe('The latest of a snapshot', () => {
  it('is the build that its file is of, and not each file is of the last one', () => {
    const files = `${file('jar', of(3))}${file('jar', of(2), 'linux')}${file('jar', of(1), 'tests')}${file('pom', of(4))}`;
    const all = `${BUILD}<snapshotVersions>${files}</snapshotVersions>`;
    expect([latest(all), latest(all, 'linux'), latest(all, undefined, 'pom')]).toEqual([of(3), of(2), of(4)]);
    expect(latest(all, undefined, 'test-jar')).toBe(of(1));
    expect(latest(all, 'windows')).toBe(of(3));
  });

  it('is the last build where files are not told of, and itself where there are no builds', () => {
    expect(latest(BUILD)).toBe(of(3));
    expect(latest('<snapshot><localCopy>true</localCopy></snapshot>')).toBe('1.0-SNAPSHOT');
  });

  it.each([
    '2.0-20260102.030405-1',
    '1.0',
    '../../1.0-20260102.030405-1',
    '1.0-SNAPSHOT/../x',
    '1.0-20260102.030405-1/..',
  ])('is not %s', (value) =>
    expect(latest(`<snapshotVersions>${file('jar', value)}</snapshotVersions>`)).toBeUndefined(),
  );
});
