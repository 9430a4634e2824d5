import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  leadDocker,
  readDockerLed,
  releaseDocker,
  withMirror,
  withoutMirror,
} from '../../src/shims/docker-led.ts';
import { removeUnit, unitText, writeUnit } from '../../src/shims/resident-unit.ts';

const base = 'http://127.0.0.1:7/';

describe('A daemon’s configuration', () => {
  it.each([
    ['{\n\t"debug": true\n}', `{\n\t"debug": true,\n\t"registry-mirrors": [\n\t\t"${base}"\n\t]\n}`],
    [undefined, `{\n  "registry-mirrors": [\n    "${base}"\n  ]\n}\n`],
    ['', `{\n  "registry-mirrors": [\n    "${base}"\n  ]\n}\n`],
  ])('%j names us first, as it is written', (before, after) => {
    expect(withMirror(before, base, 'f')).toBe(after);
    expect(JSON.parse(withoutMirror(after, base, 'f'))).toEqual(JSON.parse(before || '{}'));
  });

  it('keeps its mirrors after us, and every byte of its names', () => {
    const text = Buffer.from('{ "labels": ["é"], "registry-mirrors": ["https://m.example/"] }\n').toString(
      'latin1',
    );
    const led = withMirror(text, base, 'f');
    const known = JSON.parse(Buffer.from(led, 'latin1').toString()) as unknown;
    expect(known).toEqual({ labels: ['é'], 'registry-mirrors': [base, 'https://m.example/'] });
    expect(withMirror(led, base, 'f')).toBe(led);
  });

  it.each(['{', '[]', '{"registry-mirrors": "x"}'])('is left alone where it is %s', (text) =>
    expect(() => withMirror(text, base, '/etc/f')).toThrow(/^Cannot read \/etc\/f: /),
  );
});

describe('A file of a daemon’s', () => {
  let root: string;
  let file: string;
  let state: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'led-'));
    file = join(root, 'etc', 'docker', 'daemon.json');
    state = join(root, 'state');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('that was not there is gone again, with the directories made for it', () => {
    leadDocker(state, { file, base, after: withMirror(undefined, base, file) });
    expect(existsSync(file)).toBe(true);
    expect(releaseDocker(state)).toBe('restored');
    expect(existsSync(join(root, 'etc'))).toBe(false);
    expect([readDockerLed(state), releaseDocker(state)]).toEqual([undefined, 'unchanged']);
  });

  it('that somebody has changed since loses our address alone', () => {
    // A daemon may be told of any name.
    file = join(root, 'dockerd.conf');
    writeFileSync(file, '{}');
    leadDocker(state, { file, base, before: '{}', after: withMirror('{}', base, file) });
    writeFileSync(file, JSON.stringify({ debug: true, 'registry-mirrors': ['https://m.example/', base] }));
    expect(releaseDocker(state)).toBe('taken out');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      debug: true,
      'registry-mirrors': ['https://m.example/'],
    });
  });

  it('has a unit beside it that goes as it came, and none that is another’s', () => {
    const unit = join(root, 'systemd', 'user', 'pyrsia.service');
    const text = unitText(['/opt/a b/node', '--x', '/opt/100%/$x'], { PATH: '/a"b:/c' });
    expect(text).toContain(
      'ExecStart="/opt/a b/node" "--x" "/opt/100%%/$$x"\nEnvironment="PATH=/a\\"b:/c"\n',
    );
    expect([writeUnit(unit, text), writeUnit(unit, text), removeUnit(unit)]).toEqual([true, true, true]);
    expect([existsSync(join(root, 'systemd')), removeUnit(unit)]).toEqual([false, false]);
    const own = join(root, 'own.service');
    writeFileSync(own, '[Service]\n');
    expect([writeUnit(own, text), removeUnit(own), readFileSync(own, 'utf8')]).toEqual([
      false,
      false,
      '[Service]\n',
    ]);
  });
});
