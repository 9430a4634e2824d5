/**
 * What a person is told once after installing the program: that it is there, and what to type next.
 *
 * @module
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOurs } from '../ours.ts';
import { pathsOf } from '../paths.ts';
import { say } from './talk.ts';

/** Commands whose terminal belongs to somebody else, and those that do what the greeting would tell to do, or undo it. */
const SILENT: readonly string[] = ['bypass', 'env', 'exec', 'shim', 'uninstall'];

/** Where it is noted that it was said. */
const NOTE = 'greeted';

/**
 * Greets whoever sits at a terminal and runs the program for the first time. Says nothing in scripts, pipes and
 * CI, where there are shims already, and where it could not be noted that it was said.
 */
export function greet(args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  if (!process.stderr.isTTY || !process.stdout.isTTY || env['CI']) return;
  if (SILENT.includes(args[0] ?? '') || args.includes('--json')) return;
  const { state, shims } = pathsOf(env);
  if (existsSync(join(state, NOTE)) || existsSync(shims)) return;
  try {
    makeOurs(state);
    writeFileSync(join(state, NOTE), '', { flag: 'wx', mode: 0o600 });
  } catch {
    return;
  }
  say(
    '🎉 Installation Complete 🎉\nNext: pyrsia shim install, and npm goes through pyrsia as you type it\n' +
      'What is public comes from computers near you, too, and goes to them: pyrsia share off keeps yours here',
  );
}
