import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfigFile, readConfigFile, writeConfigFile } from '../../src/config/config-file.ts';
import { change, parseAssignments, problemsIn } from '../../src/config/edit-config.ts';

describe('assignments', () => {
  it.each([
    [['policy', 'strict'], [['policy', 'strict']]],
    [['policy=strict'], [['policy', 'strict']]],
    [
      ['proxy.host', '127.0.0.2', 'proxy.port=4873', 'cache.limit', '5 GB'],
      [
        ['proxy.host', '127.0.0.2'],
        ['proxy.port', '4873'],
        ['cache.limit', '5 GB'],
      ],
    ],
  ])('are read from %j', (args, assignments) => {
    expect(parseAssignments(args)).toEqual(assignments);
  });

  it('need a value for every key', () => {
    expect(() => parseAssignments(['policy'])).toThrow('No value given for policy');
  });
});

describe('changing', () => {
  it('refuses all of it with a message for each bad value', () => {
    const file = parseConfigFile('config.json', '{"policy":"locked"}');
    const bad = [
      ['proxy.host', '8.8.8.8'],
      ['proxy.port', '70000'],
      ['cache.limit', 'lots'],
      ['policy', 'strict'],
    ] as const;
    expect(() => change(file, bad)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        details: {
          problems: [/proxy.host/, /proxy.port/, /cache.limit/].map((each) => expect.stringMatching(each)),
        },
      }),
    );
  });

  it('keeps what it does not know', () => {
    const file = parseConfigFile('config.json', '{"later":{"kept":[1]}}');
    expect(JSON.parse(change(file, [['policy', 'strict']]))).toEqual({
      later: { kept: [1] },
      policy: 'strict',
    });
  });

  it('removes a setting, also one that it does not know, but not one that does not exist', () => {
    const file = parseConfigFile('config.json', '{"policy":"strict","stray":"1"}');
    expect(
      JSON.parse(
        change(file, [
          ['policy', undefined],
          ['stray', undefined],
        ]),
      ),
    ).toEqual({});
    expect(() => change(file, [['polcy', undefined]])).toThrow('Unknown setting "polcy"');
  });

  it('never overwrites a file that it cannot read', () => {
    expect(() => change(parseConfigFile('config.json', '{'), [['policy', 'strict']])).toThrow(
      /Cannot read config.json/,
    );
  });

  it('says what is wrong with an edited text', () => {
    expect(problemsIn('copy', '{"policy":"lax","proxy.port":0,"later":"kept"}')).toHaveLength(2);
    expect(problemsIn('copy', '{"policy":"strict"}')).toEqual([]);
  });
});

describe('writing', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'commands-config-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('makes a file that only its owner reads, and reads back', () => {
    const path = join(directory, 'new', 'config.json');
    writeConfigFile(path, '{"policy":"strict"}');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readConfigFile(path)).toMatchObject({ entries: { policy: 'strict' }, problems: [] });
  });

  it('goes through a link to where the file really lies', () => {
    const [kept, path] = [join(directory, 'dotfiles'), join(directory, 'config.json')];
    mkdirSync(kept);
    writeConfigFile(join(kept, 'config.json'), '{}');
    symlinkSync(join(kept, 'config.json'), path);
    writeConfigFile(path, '{"policy":"locked"}');
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(kept, 'config.json'), 'utf8')).toBe('{"policy":"locked"}');
  });
});
