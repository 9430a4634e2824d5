import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { home, keyFile, passphraseOf } from '../../command/authority-flags.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';

export default class AuthorityInit extends PyrsiaCommand {
  static override summary = 'Make the keys of an authority, and its card for the others of its network';
  static override description =
    'Four keys are made: who it is among peers, for a log of its own, for cosignatures, for what it has seen. They are sealed with a passphrase and never printed. What is printed is the card, which is public.';
  static override examples = [
    '<%= config.bin %> authority init ./authority --organisation a.example --url https://a.example/log/',
    '<%= config.bin %> authority init ./authority --organisation a.example --url https://a.example/log/ --key-file ./passphrase',
  ];
  static override args = { directory: home };
  static override flags = {
    organisation: Flags.string({
      summary: 'whose it is: it has one vote, and its keys are called by this name',
      helpValue: 'NAME',
      required: true,
    }),
    url: Flags.string({
      summary: 'where the others and clients reach it, ending in /',
      helpValue: 'URL',
      required: true,
    }),
    log: Flags.string({
      summary: 'name of the log that it signs, should it be the one; default: NAME/log',
      helpValue: 'NAME',
    }),
    upstream: Flags.string({
      summary: 'where it asks the public registry of an ecosystem, ending in /',
      helpValue: 'ECOSYSTEM=URL',
      multiple: true,
      default: [],
    }),
    'key-file': keyFile,
  };

  async run(): Promise<{ directory: string; card: string }> {
    const { args, flags } = await this.parse(AuthorityInit);
    await using session = this.openSession();
    const { createHome } = await import('../../authority/home.ts');
    const { organisation, url, log = `${organisation}/log` } = flags;
    const directory = resolve(session.cwd, args.directory);
    const passphrase = await passphraseOf(session, flags['key-file'], true);
    const upstreams = Object.fromEntries(
      flags.upstream.map((each) => {
        const [ecosystem = '', ...at] = each.split('=');
        return [ecosystem, at.join('=')];
      }),
    );
    const { card } = await createHome(directory, passphrase, { organisation, log, url, upstreams });
    if (!this.jsonEnabled()) process.stdout.write(card);
    return { directory, card };
  }
}
