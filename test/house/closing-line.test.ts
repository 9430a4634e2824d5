import { describe, expect, it } from 'vitest';
import { close } from './closing-line.ts';

describe('the closing line of a test run', () => {
  it('counts, and mentions skipped tests only where there are some', () => {
    expect(close({ passed: 12, failed: 0, skipped: [] }, '').line).toBe('12 passed, 0 failed');
    expect(close({ passed: 1, failed: 2, skipped: ['a', 'b'] }, '').line).toBe(
      '1 passed, 2 failed, 2 skipped',
    );
  });

  it('finds no reason where there is none', () => {
    const skips = '- `a.test.ts > is explained`: needs a network namespace\n- `a.test.ts > is named only`:\n';
    const skipped = ['a.test.ts > is explained', 'a.test.ts > is named only', 'a.test.ts > is a stranger'];
    expect(close({ passed: 0, failed: 0, skipped }, skips).unexplained).toEqual(skipped.slice(1));
  });
});
