import { readFileSync } from 'node:fs';
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
  return variablesIn(text);
}

/** The same at once, of a process that is not being replaced just now. */
export function environmentNow(pid: number): Record<string, string> {
  return variablesIn(readFileSync(`/proc/${pid}/environ`, 'utf8'));
}

function variablesIn(text: string): Record<string, string> {
  const variables = text.split('\0').flatMap((variable): [string, string][] => {
    const equals = variable.indexOf('=');
    return equals < 1 ? [] : [[variable.slice(0, equals), variable.slice(equals + 1)]];
  });
  return Object.fromEntries(variables);
}

/**
 * The umask of process `pid`; undefined where the system does not say it.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
 */
export function umaskOf(pid: number): number | undefined {
  try {
    const [, octal] = /^Umask:\s*([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return octal === undefined ? undefined : Number.parseInt(octal, 8);
  } catch {
    return undefined;
  }
}
