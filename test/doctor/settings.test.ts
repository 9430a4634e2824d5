import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { userConfigPath } from '../../src/config/config-file.ts';
import { type Clinic, openClinic } from './clinic.ts';

let clinic: Clinic;
let file: string;
let sound: Record<string, unknown>;
beforeEach(async () => {
  clinic = await openClinic();
  file = userConfigPath(clinic.paths);
  sound = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
});
afterEach(() => clinic[Symbol.asyncDispose]());

/** An editor that puts this text into the file it is given. */
function editorThatWrites(text: string): string {
  const editor = join(clinic.sandbox.root, 'editor');
  writeFileSync(editor, `#!/bin/sh\ncat > "$1" <<'END'\n${text}\nEND\n`, { mode: 0o755 });
  return editor;
}

describe('A setting of the user', () => {
  it('that is not acceptable is found, and removed by the command that is named', async () => {
    const spoilt = JSON.stringify({ ...sound, policy: 'lax' });
    writeFileSync(file, spoilt);
    const { title, remedy } = await clinic.finding('setting-wrong');
    expect(title).toBe(`${file}, policy: "lax" is ignored, expected observe, locked or strict`);
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);

    writeFileSync(file, spoilt);
    expect(await clinic.fix()).toBe(`pyrsia: Removed policy from ${file}\n`);
    expect(await clinic.ids()).toEqual([]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(sound);
  });

  it('that we do not know is a note, and removed by the command that is named', async () => {
    writeFileSync(file, JSON.stringify({ ...sound, polcy: 'locked', 'cache limit': '1GB' }));
    const { level, remedy, fixable } = await clinic.finding('setting-unknown');
    expect({ level, remedy, fixable }).toEqual({
      level: 'note',
      remedy: "pyrsia config unset polcy 'cache limit'",
      fixable: false,
    });
    await clinic.type(remedy);
    expect(await clinic.ids()).toEqual([]);
  });

  it.each([
    ['text that is no JSON', '{ broken'],
    ['a setting that is an object', '{"policy": {}}'],
  ])('in a file with %s is found, and edited by the command that is named', async (_, text) => {
    writeFileSync(file, text);
    const { title, remedy } = await clinic.finding('setting-wrong', { env: { PYRSIA_OFFLINE: '1' } });
    expect(title).toContain(file);
    expect(remedy).toBe('pyrsia config edit');
    await clinic.type(remedy, { env: { EDITOR: editorThatWrites(JSON.stringify(sound)) } });
    expect(await clinic.ids()).toEqual([]);
  });
});

describe('A variable', () => {
  it('that is not acceptable is found, and unset by the command that is named', async () => {
    const env = { PYRSIA_POLICY: 'lax' };
    const { remedy } = await clinic.finding('setting-wrong', { env });
    expect(remedy).toBe('unset PYRSIA_POLICY');
    expect(await clinic.type(`${remedy} && pyrsia doctor --json`, { env })).toBe('[]\n');
  });

  it('that switches us off is a note, and unset by the command that is named', async () => {
    const env = { PYRSIA: 'off' };
    const { level, remedy } = await clinic.finding('switched-off', { env });
    expect(level).toBe('note');
    expect(await clinic.type(`${remedy} && pyrsia doctor --json`, { env })).toBe('[]\n');
  });
});

describe('A project', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = join(clinic.sandbox.home, 'a project', 'below');
    mkdirSync(cwd, { recursive: true });
  });
  const own = () => join(cwd, '..', '.pyrsia.json');

  it('that switches us off is a note, and edited by the command that is named', async () => {
    writeFileSync(own(), '{"enabled": false}');
    const { level, title, remedy } = await clinic.finding('switched-off-here', { cwd });
    expect({ level, title }).toEqual({
      level: 'note',
      title: `${own()} switches pyrsia off for this directory`,
    });
    await clinic.type(remedy, { cwd, env: { EDITOR: editorThatWrites('{}') } });
    expect(await clinic.ids({ cwd })).toEqual([]);
  });

  it('that wants to loosen a setting is found, and edited by the command that is named', async () => {
    writeFileSync(own(), '{"cache.limit": "1GB"}');
    const { title, remedy } = await clinic.finding('setting-wrong', { cwd });
    expect(title).toContain(own());
    await clinic.type(remedy, { cwd, env: { EDITOR: editorThatWrites('{}') } });
    expect(await clinic.ids({ cwd })).toEqual([]);
  });
});
