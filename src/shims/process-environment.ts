import { readFile } from 'node:fs/promises';

/** While a process is being replaced by another program, it has no environment for a moment. */
const TRIES = 100;
const PAUSE_MS = 5;

/**
 * The environment that process `pid` was started with.
 *
 * @throws what the file system says: there is no such process, or it is not ours to look into
 * @see https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html
 */
export async function environmentOf(pid: number): Promise<Record<string, string>> {
  let text = '';
  for (let tries = 0; tries < TRIES && text === ''; tries++) {
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    text = await readFile(`/proc/${pid}/environ`, 'utf8');
  }
  const variables = text.split('\0').flatMap((variable): [string, string][] => {
    const equals = variable.indexOf('=');
    return equals < 1 ? [] : [[variable.slice(0, equals), variable.slice(equals + 1)]];
  });
  return Object.fromEntries(variables);
}
