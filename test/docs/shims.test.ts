/**
 * The tables of docs/shims.md, against the program.
 *
 * @module
 */
import { expect, it } from 'vitest';
import { SHELLS } from '../../src/shims/shells.ts';
import { codes, page, table } from './markdown.ts';

it('names the files of every shell', () => {
  const named = table('docs/shims.md', '## What is written').flatMap((row) => row['shell']!.split(', '));
  expect(named.map((name) => name.toLowerCase()).toSorted()).toEqual([...SHELLS].toSorted());
});

it('explains every state of a shim, and of a file', () => {
  const [, union] = /readonly state: ([^;]*);/.exec(page('src/shims/shim-states.ts'))!;
  const states = [...union!.matchAll(/'(\w+)'/g)].map(([, state]) => state!);
  const documented = table('docs/shims.md', '## What `shim status` says').flatMap((row) =>
    codes(row['state']!),
  );
  expect(documented.toSorted()).toEqual(states.toSorted());
  const [, ofFiles] = /type BlockState = ([^;]*);/.exec(page('src/shims/rc-block.ts'))!;
  for (const [, state] of ofFiles!.matchAll(/'(\w+)'/g))
    expect(page('docs/shims.md')).toContain(`\`${state}\``);
});
