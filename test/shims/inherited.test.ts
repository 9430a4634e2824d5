import { describe, expect, it } from 'vitest';
import { asInherited } from '../../src/shims/inherited.ts';
import { start } from '../support/command.ts';
import { SHELLS } from './stand-in.ts';

const limit = 'Max open files            77                   4096                 files     |';
const ignoring = (...signals: number[]): string => {
  const mask = signals.reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n);
  return `SigIgn:\t${mask.toString(16).padStart(16, '0')}|`;
};

describe.each(Object.entries(SHELLS))('What %s runs', (name, shell) => {
  const options = name === 'busybox' ? ['sh'] : [];
  const run = async (noted: string, script: string, ...args: string[]) => {
    const [program, ...rest] = asInherited(noted, [shell, ...options], script, ['npm', ...args]);
    return start([program!, ...rest]).result;
  };

  it('may open as many files as was noted', async () => {
    const { stdout } = await run(limit + ignoring(), 'ulimit -Sn; printf "%s\\n" "$0" "$@"', 'a b', '');
    expect(stdout).toBe('77\nnpm\na b\n\n');
    const here = (await start(['/bin/sh', '-c', 'ulimit -Sn']).result).stdout;
    for (const noted of ['', limit.replace('77', '-1')])
      expect((await run(noted, 'ulimit -Sn')).stdout).toBe(here);
  });

  it('ignores what was ignored, and nothing else', async () => {
    const script = 'for each in HUP TERM; do kill -$each $$; echo $each; done';
    expect(await run(limit + ignoring(1), script)).toMatchObject({ stdout: 'HUP\n', signal: 'SIGTERM' });
    expect(await run(ignoring(1, 15), script, 'a')).toMatchObject({ stdout: 'HUP\nTERM\n', code: 0 });
  });

  it('is run at once where nothing is ignored but what a shell ignores itself', () => {
    expect(asInherited(ignoring(3), [shell], ':', ['npm'])).toEqual([shell, '-c', ':', 'npm']);
    expect(asInherited(ignoring(2, 3), [shell], ':', ['npm']).join(' ')).toContain("trap '' 2 3");
  });
});
