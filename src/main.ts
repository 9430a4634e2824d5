/**
 * The command line program: hands the arguments to oclif, which finds the command in the manifest and
 * loads that one only.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { flush } from '@oclif/core/flush';
import { run } from '@oclif/core/run';
import { delimited } from './command/exec-arguments.ts';
import { exitCodeOf, failureOf } from './command/failure.ts';
import { greet } from './command/greeting.ts';
import { say } from './command/talk.ts';

// On some of the versions of Node that we run on its SQLite is "experimental", which is no user's business.
const printers = process.listeners('warning');
process.removeAllListeners('warning').on('warning', (warning) => {
  if (!warning.message.startsWith('SQLite is an experimental')) for (const print of printers) print(warning);
});

/** Runs one command; the exit code is left in `process.exitCode` or the process ends with it. Never rejects. */
export async function main(args: string[]): Promise<void> {
  greet(args);
  try {
    await run(delimited(args), fileURLToPath(new URL('..', import.meta.url)));
    await flush();
  } catch (error) {
    // A command tells of its own failures; this is one before there was a command, such as a name misspelt.
    process.exitCode = exitCodeOf(error);
    const failure = failureOf(error);
    if (args.includes('--json')) console.log(JSON.stringify({ error: failure }, undefined, 2));
    else say(failure.message);
  }
}
