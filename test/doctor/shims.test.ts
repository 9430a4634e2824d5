import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unprivileged } from '../support/user.ts';
import { type Clinic, openClinic } from './clinic.ts';

const someone = unprivileged();

let clinic: Clinic;
let shims: string;
/** The environment of a bash that has the shims first on its PATH. */
let env: Record<string, string>;
const npm = () => join(shims, 'npm');
const file = (name: string) => join(clinic.sandbox.home, name);

beforeEach(async () => {
  clinic = await openClinic();
  ({ shims } = clinic.paths);
  env = { SHELL: '/bin/bash' };
  await clinic.type('pyrsia shim install npm npx', { env });
  env['PATH'] = [shims, clinic.sandbox.env['PATH']].join(delimiter);
});
afterEach(() => clinic[Symbol.asyncDispose]());

/** Types the remedy and has nothing to complain about; then once more with --fix. */
async function isRepaired(id: string, spoil: () => unknown, said?: string): Promise<string> {
  await spoil();
  const { title, remedy } = await clinic.finding(id, { env });
  await clinic.type(remedy, { env });
  expect(await clinic.ids({ env })).toEqual([]);
  if (said !== undefined) {
    await spoil();
    expect(await clinic.fix({ env })).toBe(`pyrsia: ${said}\n`);
    expect(await clinic.ids({ env })).toEqual([]);
  }
  return title;
}

/** What would be found in a shell in which the remedy was typed. */
const idsAfter = async (remedy: string, at: Record<string, string> = env) => {
  const said = await clinic.type(`{ ${remedy}; } >&2; pyrsia doctor --json || true`, { env: at });
  return (JSON.parse(said) as { id: string }[]).map(({ id }) => id);
};

/** As if the shim had been made with another value there. */
const recorded = (name: string, value: string) => () => {
  const text = readFileSync(npm(), 'utf8');
  const [, header] = /^# pyrsia-shim-1 (\{.*\})$/m.exec(text)!;
  const was = (JSON.parse(header!) as Record<string, string>)[name]!;
  writeFileSync(npm(), text.replaceAll(was, value), { mode: 0o755 });
};

describe('Shims', () => {
  it('that are as they should be are no finding, with and without an agent', async () => {
    expect(await clinic.ids({ env })).toEqual([]);
    await clinic.through(['npm', 'ping']);
    expect(await clinic.ids({ env })).toEqual([]);
  });

  it.each([
    ['a file', () => writeFileSync(npm(), '#!/bin/sh\n', { mode: 0o755 }), 'is a file of 10 bytes'],
    [
      'a link, as a global install makes',
      () => {
        rmSync(npm());
        symlinkSync('/bin/true', npm());
      },
      'is a link',
    ],
  ])('that somebody has overwritten with %s are found, and written again', async (_, spoil, what) => {
    const title = await isRepaired('shim-overwritten', spoil, `Wrote ${npm()}`);
    expect(title).toBe(`Somebody has overwritten the shim for npm: ${npm()} ${what}, and none of ours`);
  });

  it('that cannot be executed are found, and written again', async () => {
    const title = await isRepaired('shim-not-executable', () => chmodSync(npm(), 0o644), `Wrote ${npm()}`);
    expect(title).toContain('its mode is 644, wanted 755');
  });

  it('whose interpreter is gone are found, and written again', async () => {
    const title = await isRepaired(
      'shim-not-executable',
      recorded('interpreter', '/gone/bash'),
      `Wrote ${npm()}`,
    );
    expect(title).toContain('/gone/bash, which is to run it, is gone');
  });

  it.each(['node', 'entry'])('whose %s is gone are found, and written again', async (name) => {
    const title = await isRepaired('shim-broken', recorded(name, `/gone/${name}`), `Wrote ${npm()}`);
    expect(title).toBe(`The shim for npm needs /gone/${name}, which is gone`);
  });

  it('whose Node is too old are found, and written again', async () => {
    const old = join(clinic.sandbox.root, 'old-node');
    writeFileSync(old, '#!/bin/sh\necho v18.19.1\n', { mode: 0o755 });
    const title = await isRepaired('shim-broken', recorded('node', old), `Wrote ${npm()}`);
    expect(title).toMatch(new RegExp(`runs ${old}, which is Node 18.19.1; pyrsia needs \\^22`));
  });

  it('of another installation are found, and written again', async () => {
    const entry = join(clinic.sandbox.root, 'other', 'bin', 'shim.js');
    mkdirSync(dirname(entry), { recursive: true });
    writeFileSync(entry, '');
    const title = await isRepaired('shim-of-another', recorded('entry', entry), `Wrote ${npm()}`);
    expect(title).toContain(`was made by the pyrsia of ${entry}, this is `);
  });

  it('of an older version are found, and written again', async () => {
    const spoil = () => appendFileSync(npm(), '# What an older version wrote\n');
    const title = await isRepaired('shim-outdated', spoil, `Wrote ${npm()}`);
    expect(title).toBe(`${npm()} was written by another version of pyrsia, or has been changed`);
  });

  it('that were made where other directories are ours are a note, and written again', async () => {
    const elsewhere = { ...env, XDG_STATE_HOME: join(clinic.sandbox.root, "state of 'another") };
    const { level, remedy, fixable } = (await clinic.findings({ env: elsewhere })).find(
      ({ id, title }) => id === 'shim-for-elsewhere' && title.includes(' npm '),
    )!;
    expect({ level, fixable }).toEqual({ level: 'note', fixable: false });
    expect(await idsAfter(`${remedy} npx`, elsewhere)).toEqual([]);
  });

  it('that are switched off are a note, and switched on by the command that is named', async () => {
    await isRepaired('shim-disabled', () => clinic.type('pyrsia shim disable npm', { env }));
    await clinic.type('pyrsia shim disable npm', { env });
    expect((await clinic.finding('shim-disabled', { env })).level).toBe('note');
    expect(await clinic.fix({ env })).toBe('');
    expect(await clinic.ids({ env })).toEqual(['shim-disabled']);
  });

  it('before no tool are a note, and removed by the command that is named', async () => {
    const bin = join(clinic.sandbox.root, 'no-npx');
    mkdirSync(bin);
    for (const name of ['sh', 'rm', 'cat', 'node', 'npm']) symlinkSync(`/usr/bin/${name}`, join(bin, name));
    const without = { ...env, PATH: [shims, bin].join(delimiter) };
    const { level, title, remedy } = await clinic.finding('shim-toolless', { env: without });
    expect({ level, remedy }).toEqual({ level: 'note', remedy: 'pyrsia shim uninstall npx' });
    expect(title).toContain('stands in for npx, of which there is none on the PATH');
    expect(await idsAfter(remedy, without)).toEqual([]);
  });

  it('beside what others put there are a note, and alone again by the command that is named', async () => {
    const spoil = () => writeFileSync(join(shims, 'pnpm'), '#!/bin/sh\n', { mode: 0o755 });
    const title = await isRepaired('shim-strangers', spoil);
    expect(title).toContain(join(shims, 'pnpm'));
  });
});

describe('The PATH', () => {
  it('on which something comes before the shims is found, and put in order by the command that is named', async () => {
    const bin = join(clinic.sandbox.root, 'nvm');
    mkdirSync(bin);
    writeFileSync(join(bin, 'npm'), '#!/bin/sh\n', { mode: 0o755 });
    const wrong = { ...env, PATH: [bin, env['PATH']].join(delimiter) };
    const { title, cost, remedy } = await clinic.finding('path-shadowed', { env: wrong });
    expect(title).toBe(`${join(bin, 'npm')} comes before ${shims} on the PATH of this shell`);
    expect({ cost, remedy }).toEqual({ cost: 'npm runs without pyrsia', remedy: 'eval "$(pyrsia env)"' });
    expect(await idsAfter(remedy, wrong)).toEqual([]);
  });

  it('without the shims is found, and completed by the command that is named', async () => {
    const without = { ...env, PATH: clinic.sandbox.env['PATH']! };
    const { title, cost, remedy } = await clinic.finding('path-missing', { env: without });
    expect(title).toBe(`${shims} is not on the PATH of this shell`);
    expect(cost).toBe('npm and npx run without pyrsia');
    expect(await idsAfter(remedy, without)).toEqual([]);
    const unknown = { ...without, SHELL: '/bin/xonsh' };
    const other = await clinic.finding('path-missing', { env: unknown });
    expect(other.remedy).toBe(`export PATH=${shims}:$PATH`);
    expect(await idsAfter(other.remedy, unknown)).toEqual([]);
  });

  it('with the shims twice is a note, and put in order by the command that is named', async () => {
    const twice = { ...env, PATH: [env['PATH'], `${shims}/`].join(delimiter) };
    const { level, title, remedy } = await clinic.finding('path-doubled', { env: twice });
    expect({ level, title }).toEqual({
      level: 'note',
      title: `${shims} is 2 times on the PATH of this shell`,
    });
    expect(await idsAfter(`PATH=$\{PATH%:*}; ${remedy}`, twice)).toEqual([]);
  });

  it("with another pyrsia's shims is found, and rid of them by the command that is named", async () => {
    const other = join(clinic.sandbox.root, "other's shims");
    mkdirSync(other);
    copyFileSync(npm(), join(other, 'npm'));
    const both = { ...env, PATH: [env['PATH'], other].join(delimiter) };
    const { title, remedy } = await clinic.finding('path-two-shims', { env: both });
    expect(title).toContain(`${other} has shims of another pyrsia`);
    expect(await idsAfter(remedy, both)).toEqual([]);
  });
});

describe("A file of the user's shell", () => {
  it('that has lost our lines is found, and gets them again', async () => {
    const spoil = () => writeFileSync(file('.bashrc'), 'alias ll="ls -l"\n');
    const said = `Wrote our lines into ${file('.bashrc')}; new shells have them`;
    const title = await isRepaired('rc-missing', spoil, said);
    expect(title).toContain(`${file('.bashrc')}, which bash reads, has no lines of ours`);
    expect(readFileSync(file('.bashrc'), 'utf8')).toMatch(/^alias ll="ls -l"\n# >>> pyrsia >>>\n/);
  });

  it('that hides the one with our lines is found', async () => {
    const spoil = () => writeFileSync(file('.bash_profile'), '');
    const title = await isRepaired('rc-missing', spoil);
    expect(title).toBe(
      `${file('.bash_profile')}, which bash reads, has no lines of ours; they are in ${file('.profile')}, which it does not read`,
    );
  });

  it('in which our lines are cut off is found, and gets whole ones', async () => {
    const spoil = () => {
      const text = readFileSync(file('.bashrc'), 'utf8');
      writeFileSync(file('.bashrc'), text.slice(0, -60));
    };
    const said = `Wrote our lines into ${file('.bashrc')}; new shells have them`;
    expect(await isRepaired('rc-outdated', spoil, said)).toContain('cut off');
  });

  it('in which somebody has changed our lines is found, and repaired by the commands that are named', async () => {
    const spoil = () => {
      const text = readFileSync(file('.bashrc'), 'utf8');
      writeFileSync(file('.bashrc'), text.replace('export PATH=', 'export  MYPATH='));
    };
    const title = await isRepaired('rc-altered', spoil);
    expect(title).toBe(`Somebody has changed the lines of ours in ${file('.bashrc')}`);
  });

  it.skipIf(!someone.possible)(
    'that cannot be read is found, and opened by the command that is named',
    async () => {
      if (!someone.possible) return;
      await using theirs = await openClinic({ user: someone.user });
      const at = {
        SHELL: '/bin/bash',
        PATH: [theirs.paths.shims, theirs.sandbox.env['PATH']].join(delimiter),
      };
      await theirs.type('pyrsia shim install npm npx', { env: at });
      expect(await theirs.ids({ env: at })).toEqual([]);
      const rc = join(theirs.sandbox.home, '.bashrc');
      chmodSync(rc, 0o200);
      const { title, remedy } = await theirs.finding('rc-unreadable', { env: at });
      expect(title).toBe(`${rc} cannot be read`);
      await theirs.type(remedy, { env: at });
      expect(await theirs.ids({ env: at })).toEqual([]);
    },
  );

  it('in which lines come after ours is found, and has ours last again', async () => {
    const bin = join(clinic.sandbox.root, 'nvm');
    mkdirSync(bin);
    writeFileSync(join(bin, 'npm'), '#!/bin/sh\n', { mode: 0o755 });
    const line = `export PATH="${bin}:$PATH"`;
    const spoil = () => appendFileSync(file('.bashrc'), `# PATH and nvm.sh in a comment\n${line}\n`);
    spoil();
    expect((await clinic.finding('rc-not-last', { env })).level).toBe('note');
    const opened = { SHELL: '/bin/bash' };
    expect((await clinic.finding('rc-not-last', { env: opened })).level).toBe('note');

    const wrong = { ...env, PATH: [bin, env['PATH']].join(delimiter) };
    const { level, title, remedy } = await clinic.finding('rc-not-last', { env: wrong });
    expect(level).toBe('wrong');
    expect(title).toContain(`In ${file('.bashrc')}, "${line}" comes after the lines of ours`);
    await clinic.type(remedy, { env });
    expect(await clinic.ids({ env })).toEqual([]);
    const first = await clinic.sandbox.run('bash', ['-ic', 'type -P npm'], { env });
    expect(first.stdout).toBe(`${npm()}\n`);

    spoil();
    const said = `Moved the lines of ours to the end of ${file('.bashrc')}; new shells have them there`;
    expect(await clinic.fix({ env })).toBe(`pyrsia: ${said}\n`);
    expect(await clinic.ids({ env })).toEqual([]);
  });

  it('is none of our business where the PATH is arranged in another way, or no shim is there', async () => {
    await clinic.type('pyrsia shim uninstall', { env });
    expect(await clinic.ids({ env })).toEqual([]);
    await clinic.type('pyrsia shim install npm npx --no-path', { env });
    expect(await clinic.ids({ env })).toEqual([]);
  });
});
