import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compiledCode, pathsOf } from '../src/paths.ts';

const uid = process.getuid!();

const runtime = (directory: string): string =>
  pathsOf({ HOME: '/home/ada', XDG_RUNTIME_DIR: directory }, 'linux').runtime;

describe('our directories', () => {
  it('are where XDG says, on Linux', () => {
    const paths = pathsOf({ HOME: '/home/ada', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: 'relative' }, 'linux');
    expect(paths).toMatchObject({
      cache: '/home/ada/.cache/pyrsia',
      state: '/s/pyrsia',
      config: '/home/ada/.config/pyrsia',
      runtime: expect.stringMatching(new RegExp(`^/tmp/pyrsia-${uid}/[0-9a-f]{12}$`)),
    });
  });

  it('are in ~/Library on macOS', () => {
    expect(pathsOf({ HOME: '/Users/ada', TMPDIR: '/var/folders/x/T/' }, 'darwin')).toMatchObject({
      cache: '/Users/ada/Library/Caches/pyrsia',
      runtime: expect.stringMatching(new RegExp(`^/var/folders/x/T/pyrsia-${uid}/`)),
    });
  });

  it('are in %LOCALAPPDATA% on Windows', () => {
    const paths = pathsOf({ USERPROFILE: '/u', LOCALAPPDATA: '/u/local' }, 'win32');
    expect(paths).toMatchObject({
      cache: '/u/local/pyrsia/cache',
      runtime: expect.stringMatching(/^\/u\/local\/pyrsia\/runtime\//),
    });
  });

  it('have a runtime directory of their own for each cache and state directory', () => {
    const runtimes = [{}, { XDG_CACHE_HOME: '/c' }, { XDG_STATE_HOME: '/s' }, { HOME: '/home/bob' }].map(
      (env) => pathsOf({ HOME: '/home/ada', ...env }, 'linux').runtime,
    );
    expect(new Set(runtimes).size).toBe(4);
  });

  it('lie in no project where a home is not absolute', () => {
    for (const HOME of ['', 'home', undefined]) {
      const { runtime: _, ...others } = pathsOf({ HOME }, 'linux');
      for (const path of [...Object.values(others), compiledCode({ HOME, LOCALAPPDATA: 'C:/Local' })])
        expect(path).toMatch(`${userInfo().homedir}/`);
    }
  });

  it('use XDG_RUNTIME_DIR only when it is our own, which it is not after su', () => {
    const ours = mkdtempSync(join(tmpdir(), 'pyrsia-paths-'));
    expect(runtime(ours)).toMatch(`${ours}/pyrsia/`);
    expect(runtime('/nonexistent')).toMatch(`/tmp/pyrsia-${uid}/`);
    if (uid === 0) chownSync(ours, 12_345, 12_345);
    expect(runtime(uid === 0 ? ours : '/')).toMatch(`/tmp/pyrsia-${uid}/`);
    rmSync(ours, { recursive: true });
  });
});
