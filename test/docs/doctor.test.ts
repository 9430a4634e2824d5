/**
 * docs/doctor.md against what the doctor can find.
 *
 * @module
 */
import { globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codes, page, table } from './markdown.ts';

const headings = page('docs/doctor.md').match(/^## .*$/gm)!;
const rows = headings.flatMap((heading) => table('docs/doctor.md', heading));
const documented = rows.map((row) => codes(row['finding']!)[0]!);
const sources = globSync('src/doctor/*.ts').map(page);

describe('docs/doctor.md', () => {
  it('has a row for each finding that there is', () => {
    const found = sources.flatMap((source) =>
      [...source.matchAll(/\bid: (?:\w+ \? )?'([a-z-]+)'(?: : '([a-z-]+)')?/g)].flatMap(([, ...ids]) =>
        ids.filter(Boolean),
      ),
    );
    expect(documented.toSorted()).toEqual([...new Set(found)].toSorted());
  });

  it('says of each what it is, what it costs and what repairs it', () => {
    for (const row of rows) {
      expect(row['level']).toMatch(/^(wrong|note)$/);
      expect(row['`--fix`']).toMatch(/^(yes)?$/);
      for (const column of ['what is seen', 'what it costs', 'what repairs it'])
        expect(row[column]).not.toBe('');
    }
  });
});
