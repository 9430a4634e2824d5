import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPyrsiaError } from '../../src/errors.ts';
import { editFile } from '../../src/shims/edit-file.ts';
import { asUser, unprivileged } from '../support/user.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pyr-'));
  file = join(folder, '.bashrc');
});
afterEach(() => rmSync(folder, { recursive: true }));

const append = (path = file): boolean => editFile(path, (text = '') => ({ text: `${text}ours\n` }));
const read = (path = file): string => readFileSync(path, 'latin1');
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

/** Why an edit fails; empty when it does not. */
function whyNot(edit: () => unknown): string {
  try {
    edit();
    return '';
  } catch (error) {
    if (!isPyrsiaError(error, 'FILE_UNWRITABLE')) throw error;
    return `${error.details.path}: ${error.details.reason}`;
  }
}

describe('a file of somebody else', () => {
  it('keeps bytes that are no text', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    writeFileSync(file, bytes);
    append();
    expect(readFileSync(file)).toEqual(Buffer.concat([bytes, Buffer.from('ours\n')]));
  });

  it.each([0o644, 0o600, 0o755, 0o4640])('keeps its mode %o', (mode) => {
    writeFileSync(file, '');
    chmodSync(file, mode);
    append();
    expect([modeOf(file), read()]).toEqual([mode, 'ours\n']);
  });

  it.runIf(process.getuid?.() === 0)('keeps its owner', () => {
    writeFileSync(file, '');
    chownSync(file, 65534, 65534);
    append();
    expect([statSync(file).uid, statSync(file).gid, read()]).toEqual([65534, 65534, 'ours\n']);
  });

  it('keeps its other names', () => {
    writeFileSync(file, 'a\n');
    linkSync(file, join(folder, 'other'));
    append();
    expect([read(), read(join(folder, 'other')), statSync(file).nlink]).toEqual([
      'a\nours\n',
      'a\nours\n',
      2,
    ]);
    editFile(file, () => ({ text: 'a\n' }));
    expect(read(join(folder, 'other'))).toBe('a\n');
  });

  it('is changed where links lead to it, and they stay', () => {
    mkdirSync(join(folder, 'dotfiles'));
    writeFileSync(join(folder, 'dotfiles/bashrc'), 'a\n');
    symlinkSync('dotfiles/bashrc', join(folder, 'between'));
    symlinkSync('between', file);
    append();
    expect([readlinkSync(file), readlinkSync(join(folder, 'between'))]).toEqual([
      'between',
      'dotfiles/bashrc',
    ]);
    expect(read(join(folder, 'dotfiles/bashrc'))).toBe('a\nours\n');
  });

  it('is not touched where nothing changes', () => {
    writeFileSync(file, 'a', { mode: 0o444 });
    const { ino, mtimeMs } = statSync(file);
    expect(editFile(file, (text) => ({ text }))).toBe(false);
    expect(statSync(file)).toMatchObject({ ino, mtimeMs });
  });

  it('that is read-only stays so, for root as well', () => {
    writeFileSync(file, 'a', { mode: 0o444 });
    expect(whyNot(append)).toBe(`${file}: it is read-only`);
    expect([read(), modeOf(file)]).toEqual(['a', 0o444]);
  });

  it.each([
    ['a link that leads nowhere', () => symlinkSync('nowhere', file), 'it is a link that leads nowhere'],
    ['a directory', () => mkdirSync(file), 'it is not a file'],
    ['links in a circle', () => symlinkSync(file, file), 'too many symbolic links encountered'],
  ])('is not made of %s', (_, prepare, why) => {
    prepare();
    expect(whyNot(append)).toBe(`${file}: ${why}`);
    expect(readdirSync(folder)).toEqual(['.bashrc']);
  });

  it('that somebody else changes at the same time has both changes', () => {
    writeFileSync(file, 'a\n');
    let asked = 0;
    editFile(file, (text = '') => {
      if ((asked += 1) < 3) writeFileSync(file, `${text}theirs ${asked}\n`);
      return { text: `${text}ours\n` };
    });
    expect(read()).toBe('a\ntheirs 1\ntheirs 2\nours\n');
  });

  it('that never comes to rest stays as others leave it', () => {
    writeFileSync(file, '');
    const why = whyNot(() =>
      editFile(file, (text = '') => {
        writeFileSync(file, `${text}theirs\n`);
        return { text: `${text}ours\n` };
      }),
    );
    expect(why).toContain('somebody else is changing it');
    expect(read()).not.toContain('ours');
    expect(readdirSync(folder)).toEqual(['.bashrc']);
  });
});

describe('a file that is not there', () => {
  it('is made, with its directories, and goes with those that are empty then', () => {
    const deep = join(folder, 'a/b/c/config.fish');
    let directories = 0;
    editFile(deep, (_, count) => {
      directories = count;
      return { text: 'ours' };
    });
    expect([directories, read(deep)]).toEqual([3, 'ours']);
    writeFileSync(join(folder, 'a/other'), '');
    editFile(deep, () => ({ text: undefined, directories: 3 }));
    expect(readdirSync(folder, { recursive: true })).toEqual(['a', 'a/other']);
  });

  it.each([
    [0o000, 0o644],
    [0o022, 0o644],
    [0o077, 0o600],
  ])('is with umask %o made with mode %o', async (umask, mode) => {
    const { code } = await inNode(
      `process.umask(${umask}); editFile(${JSON.stringify(file)}, () => ({ text: 'ours' }));`,
    );
    expect([code, modeOf(file)]).toEqual([0, mode]);
  });

  it('that somebody else makes at the same time has both texts', () => {
    editFile(file, (text) => {
      if (text === undefined) writeFileSync(file, 'theirs\n');
      return { text: `${text ?? ''}ours\n` };
    });
    expect(read()).toBe('theirs\nours\n');
  });

  it('stays so where there is nothing to write', () => {
    expect(editFile(file, (text) => ({ text }))).toBe(false);
    expect(existsSync(file)).toBe(false);
  });

  it('is emptied where a link has come to lead to it', () => {
    writeFileSync(join(folder, 'kept'), 'ours');
    symlinkSync('kept', file);
    editFile(file, () => ({ text: undefined }));
    expect([lstatSync(file).isSymbolicLink(), read()]).toEqual([true, '']);
  });
});

/** Runs a program in which editFile is known. */
async function inNode(program: string, before: readonly string[] = []): Promise<{ code: number | null }> {
  const child = start(program, before);
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code };
}

function start(program: string, before: readonly string[] = []): ReturnType<typeof spawn> {
  const module = pathToFileURL(join(import.meta.dirname, '../../src/shims/edit-file.ts')).href;
  const text = `import { editFile } from ${JSON.stringify(module)};\n${program}`;
  const [command, ...args] = [...before, process.execPath, '--input-type=module-typescript', '-e', text];
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

describe('an edit', () => {
  it.each([1, 2])('that is killed leaves the old text or the new one (%i names)', async (names) => {
    const [long, short] = ['l'.repeat(100_000), 's\n'];
    writeFileSync(file, short);
    if (names === 2) linkSync(file, join(folder, 'other'));
    const forEver = `process.stdout.write('x');
      for (;;) editFile(${JSON.stringify(file)}, (t) => ({ text: t.length > 10 ? 's\\n' : ${JSON.stringify(short)} + ${JSON.stringify(long)} }));`;
    for (let i = 0; i < 10; i++) {
      const child = start(forEver);
      await once(child.stdout!, 'data');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const found = read();
      if (names === 1) expect([short, short + long]).toContain(found);
      // In place a reader may come in the middle, and finds a beginning of the new.
      else expect((short + long).startsWith(found)).toBe(true);
    }
    append();
    expect(readdirSync(folder).filter((name) => name.includes('pyrsia'))).toEqual([]);
  });

  it('leaves the new text that another one is writing', () => {
    writeFileSync(`${file}.pyrsia-${process.ppid}`, 'theirs');
    append();
    expect(readdirSync(folder).toSorted()).toEqual(['.bashrc', `.bashrc.pyrsia-${process.ppid}`]);
  });

  it('for which the disk is too small gives back what was there', async () => {
    writeFileSync(file, 'a'.repeat(1000));
    linkSync(file, join(folder, 'other'));
    const program = `editFile(${JSON.stringify(file)}, (text) => ({ text: text + 'b'.repeat(10_000) }));`;
    // 2 blocks of 512 bytes, or of 1024.
    const { code } = await inNode(program, ['sh', '-c', 'ulimit -f 2; exec "$@" 2>/dev/null', 'sh']);
    expect(code).not.toBe(0);
    expect(read()).toBe('a'.repeat(1000));
  });

  const who = unprivileged();
  it.runIf(who.possible)(
    'in a directory that cannot be written is made in place; where the file cannot, not at all',
    async () => {
      if (!who.possible) return;
      const { user } = who;
      const give = (path: string): void => {
        if (process.getuid?.() === 0) chownSync(path, user.uid, user.gid);
      };
      writeFileSync(file, 'a\n');
      give(file);
      give(folder);
      chmodSync(folder, 0o555);
      const program = `editFile(${JSON.stringify(file)}, (text) => ({ text: text + 'ours\\n' }));`;
      const quietly = asUser(user, ['sh', '-c', 'exec "$@" 2>/dev/null', 'sh']);
      const { ino } = statSync(file);
      expect(await inNode(program, quietly)).toEqual({ code: 0 });
      expect([read(), statSync(file).ino]).toEqual(['a\nours\n', ino]);

      if (process.getuid?.() === 0) {
        chownSync(file, 0, 0);
        for (const mode of [0o555, 0o755]) {
          chmodSync(folder, mode);
          expect((await inNode(program, quietly)).code).toBe(1);
          expect(read()).toBe('a\nours\n');
        }
      }
      chmodSync(folder, 0o755);
    },
  );
});
