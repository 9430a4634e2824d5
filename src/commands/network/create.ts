import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { wholeFile } from '../../command/log-place.ts';
import { type ToldNetwork, toldNetwork } from '../../command/network-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { PyrsiaError } from '../../errors.ts';
import { isKeyName, type Signer, signerOf } from '../../log/keys.ts';
import { formatNetwork, NETWORK_LIMIT, parseCard } from '../../log/network-file.ts';
import { readNetwork } from '../../trust/network-of.ts';

export default class NetworkCreate extends PyrsiaCommand {
  static override summary = 'Make a network of authorities: one file to give to everybody, one key to keep';
  static override description =
    'CARD is the public card of an authority, which pyrsia authority init writes; the first one’s log is the network’s. An existing key signs a changed network, which those who have joined take from you again.';
  static override examples = [
    '<%= config.bin %> network create net.example one.card two.card three.card four.card',
    '<%= config.bin %> network create net.example one.card --private',
  ];
  static override strict = false;
  static override args = {
    name: Args.string({ description: 'name of the network, such as net.example', required: true }),
    card: Args.string({ description: 'public cards of its authorities', required: true }),
  };
  static override flags = {
    private: Flags.boolean({ summary: 'peers speak with members only, whom pyrsia network invite lets in' }),
    output: Flags.string({
      char: 'o',
      summary: 'where the network file is written; NAME.policy without',
      helpValue: 'FILE',
    }),
    key: Flags.string({
      summary: 'the file with the network’s key, made where there is none; NAME.key without',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<ToldNetwork & { readonly file: string; readonly key: string }> {
    const { args, flags, argv } = await this.parse(NetworkCreate);
    await using session = this.openSession();
    const { name } = args;
    if (!isKeyName(name) || /[/\\]/.test(name))
      throw new PyrsiaError('REFERENCE_MALFORMED', { text: name, reason: 'no name of a network' });
    const cards = await Promise.all(
      argv
        .slice(1)
        .map(async (path) => parseCard(await wholeFile(String(path), NETWORK_LIMIT), String(path))),
    );
    const file = resolve(session.cwd, flags.output ?? `${name}.policy`);
    const key = resolve(session.cwd, flags.key ?? `${name}.key`);
    const text = formatNetwork(cards, await signerAt(name, key), { private: flags.private });
    const network = readNetwork(Buffer.from(text), file);
    write(file, text, 0o644);
    const { rows, value } = toldNetwork(network);
    this.print(facts([...rows, ['written to', file], ['its key, to be kept', key]]));
    return { ...value, file, key };
  }
}

/** The network's key, which is made where there is none. */
async function signerAt(name: string, path: string): Promise<Signer> {
  if (existsSync(path)) {
    const pem = Buffer.from(await wholeFile(path, NETWORK_LIMIT)).toString();
    return signerOf(name, 'ed25519', createPrivateKey(pem));
  }
  const { privateKey } = generateKeyPairSync('ed25519');
  write(path, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 0o600, 'wx');
  return signerOf(name, 'ed25519', privateKey);
}

function write(path: string, text: string, mode: number, flag = 'w'): void {
  try {
    writeFileSync(path, text, { mode, flag });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PyrsiaError('FILE_UNWRITABLE', { path, reason }, { cause: error });
  }
}
