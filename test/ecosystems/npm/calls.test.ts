import npm from '@npmcli/config/lib/definitions/index.js';
import { describe, expect, it } from 'vitest';
import { npmCalls, npxCalls, settings } from '../../../src/ecosystems/npm/calls.ts';

/** npm's own definition of the setting that an option sets, and whether that is spelled `--no-…`. */
function settingsOf(option: string): readonly string[] {
  const name = option.replace(/^-+/, '').replace(/=\*$/, '');
  const short = npm.shorthands[name];
  const isShort = npm.definitions[name] === undefined && short !== undefined;
  const long = isShort ? short.filter((each) => each.startsWith('--')) : [`--${name}`];
  return long.map((each) => each.replace(/^--(no-)?/, ''));
}

/** Whether an option needs nothing behind it: npm's own short names bring their values along. */
function isComplete(option: string): boolean {
  const name = option.replace(/^-+/, '');
  const short = npm.shorthands[name];
  if (short && short.length > 1) return true;
  return settingsOf(option).every((key) => [npm.definitions[key]?.type].flat().includes(Boolean));
}

describe.each([
  ['npm', npmCalls],
  ['npx', npxCalls],
])('An option of %s that a stand-in takes as it is', (tool, { options }) => {
  // What npx takes besides is in its own source.
  const ofNpm = options.filter((option) => option !== '--no-install');

  it.each(ofNpm)('%s is one of npm’s', (option) => {
    for (const key of settingsOf(option))
      expect([key, npm.definitions[key]]).toEqual([key, expect.anything()]);
  });

  it.each(ofNpm.filter((option) => !option.endsWith('=*')))('%s never takes the next word', (option) => {
    expect(isComplete(option)).toBe(true);
  });

  it('does not decide whom npm asks, nor which project it is', () => {
    const deciding = settings.variables.map((name) =>
      name.toLowerCase().replace('npm_config_', '').replaceAll('_', '-'),
    );
    const others = [
      'ca',
      'cafile',
      'strict-ssl',
      'location',
      'workspace',
      'workspaces',
      'include-workspace-root',
    ];
    expect(ofNpm.flatMap(settingsOf).filter((key) => [...deciding, ...others].includes(key))).toEqual([]);
    expect(tool).toMatch(/^np[mx]$/);
  });
});
