/**
 * Asking for what nobody is to see.
 *
 * @module
 */
import { Writable } from 'node:stream';
import { PyrsiaError } from '../errors.ts';

/** Asks on the terminal, without showing what is typed. Rejects with `CONFIG_INVALID` where there is no terminal. */
export async function askedSecretly(question: string, otherwise: string): Promise<string> {
  if (!process.stdin.isTTY) throw new PyrsiaError('CONFIG_INVALID', { problems: [otherwise] });
  const { createInterface } = await import('node:readline');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(`${question}: `);
  try {
    const { promise, resolve } = Promise.withResolvers<string>();
    prompt.question('', resolve);
    prompt.once('close', () => resolve(''));
    return await promise;
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}
