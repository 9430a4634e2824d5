import { describe, expect, it } from 'vitest';
import { npmStepsAside, npxStepsAside } from '../../../src/ecosystems/npm/step-aside.ts';

describe('npm goes through us', () => {
  it.each([
    '',
    'ci',
    'i',
    'install',
    'install-test',
    'add left-pad',
    'un left-pad',
    'uninstall x',
    'u',
    'up',
    'update',
    'x cowsay',

    'audit',
    'audit fix',
    's left-pad',
    'se left-pad',
    'search publish',
    't',
    'tst',
    'view star',
    'info owner',
    'ping',
    'pack',

    'start',
    'stop',
    'run publish',
    'run release -- --registry=theirs',
    'init vite',
    'prune',
    'prefix',
    'outdated',
    'ls',

    '--loglevel silly ci',
    'ci --no-audit',
    'ci --userconfig=x',
    '-g i npm',
    'ci --replace-registry-host=never',
    '-',
  ])('for npm %s', (call) => {
    expect(npmStepsAside(call.split(' '))).toBeUndefined();
  });

  it.each([
    'cowsay --registry=theirs',
    '--yes=true create-thing --registry theirs',
    'npm publish',
    '-- tool --registry=x',
  ])('for npx %s', (call) => {
    expect(npxStepsAside(call.split(' '))).toBeUndefined();
  });

  it('but not when an option is followed by what may be the command', () => {
    expect(npmStepsAside(['--yes', 'publish'])).toBe('npm publish acts on the registry in your name');
    expect(npmStepsAside(['--a', 'b', '--c', 'publish', 'x'])).toContain('publish');
  });

  it('and says what kept us away', () => {
    expect(npmStepsAside(['c', 'get', 'registry'])).toBe("npm c is about npm's own settings");
    expect(npmStepsAside(['ci', '--registry', 'x'])).toBe('--registry names the registry for this call');
  });
});
