/**
 * What the commands of an authority take: how its keys are opened.
 *
 * @module
 */
import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { PyrsiaError } from '../errors.ts';
import type { Session } from '../session.ts';
import { askedSecretly } from './secret.ts';

/** Where an authority keeps what is its own. */
export const home = Args.string({
  name: 'directory',
  description: 'where the authority keeps its keys and its copy of the log',
  required: true,
});

/** Where its passphrase is. */
export const keyFile = Flags.string({
  summary: 'read the passphrase of the keys from this file, which only you may read',
  helpValue: 'FILE',
});

/** The passphrase: of a file, or asked for on the terminal, twice where it is new. */
export async function passphraseOf(
  session: Session,
  file: string | undefined,
  isNew: boolean,
): Promise<string> {
  const { PASSPHRASE_LEAST, passphraseIn } = await import('../authority/keys.ts');
  if (file !== undefined) return passphraseIn(resolve(session.cwd, file), isNew);
  const otherwise = 'There is no terminal to ask for the passphrase on: --key-file FILE';
  const passphrase = await askedSecretly('Passphrase of the keys', otherwise);
  if (passphrase.length < PASSPHRASE_LEAST)
    throw new PyrsiaError('CONFIG_INVALID', {
      problems: [`A passphrase has ${PASSPHRASE_LEAST} characters at least`],
    });
  if (isNew && passphrase !== (await askedSecretly('Once more', otherwise)))
    throw new PyrsiaError('CONFIG_INVALID', { problems: ['They are not the same'] });
  return passphrase;
}
