import { once } from 'node:events';
import { join, resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { home, keyFile, passphraseOf } from '../../command/authority-flags.ts';
import { wholeFile } from '../../command/log-place.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { PyrsiaError } from '../../errors.ts';

/** The most bytes of the file of a network: 256 KiB. */
const NETWORK_LIMIT = 256 * 2 ** 10;

export default class NodeStart extends PyrsiaCommand {
  static override summary = 'Run an authority, in the foreground, until it is interrupted';
  static override description =
    'It answers over HTTP: its copy of the log as static files, cosignatures, observations. The authority whose log is that of the network orders the entries as well. Where others are to reach it, put a server with TLS in front of it.';
  static override examples = [
    '<%= config.bin %> node start ./authority --role authority --key-file ./passphrase',
    '<%= config.bin %> node start ./authority --role authority --listen 127.0.0.1:8090 --network ./network.policy',
  ];
  static override args = { directory: home };
  static override flags = {
    role: Flags.string({ summary: 'what it is', options: ['authority'], required: true }),
    network: Flags.string({
      summary: 'file of the network; default: network.policy in the directory',
      helpValue: 'FILE',
    }),
    listen: Flags.string({
      summary: 'address and port to answer at; port 0: any',
      helpValue: 'HOST:PORT',
      default: '127.0.0.1:0',
    }),
    'key-file': keyFile,
  };

  async run(): Promise<{ url: string; orders: boolean }> {
    const { args, flags } = await this.parse(NodeStart);
    await using session = this.openSession();
    const [{ homeFiles, readIdentity }, { openKeys }, { startNode }, { tryLock }, { proxiesIn }] =
      await Promise.all([
        import('../../authority/home.ts'),
        import('../../authority/keys.ts'),
        import('../../authority/node.ts'),
        import('../../control/lock.ts'),
        import('../../shims/proxies.ts'),
      ]);
    const directory = resolve(session.cwd, args.directory);
    const identity = await readIdentity(directory);
    const files = homeFiles(directory);
    const network = await wholeFile(flags.network ?? join(directory, 'network.policy'), NETWORK_LIMIT);
    const passphrase = await passphraseOf(session, flags['key-file'], false);
    const lock = tryLock(files.lock);
    if (lock === undefined)
      throw new PyrsiaError('AGENT_REFUSED', { reason: `it runs already in ${directory}` });
    const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    const node = await startNode({
      directory,
      identity,
      network,
      keys: await openKeys(files.keys, passphrase, identity),
      listen: addressOf(flags.listen),
      connection: { strictSsl: true, ...proxiesIn(session.env) },
      silenceMs: session.config.values['upstream.timeout'],
      log: (line) => this.say(line),
    });
    const { host } = addressOf(flags.listen);
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${node.port}/`;
    this.print(url);
    this.say(
      `${identity.organisation} answers at ${url}${node.orders ? ' and orders the entries' : ''}; Ctrl-C ends it`,
    );
    await ended;
    await node.close();
    lock.release();
    return { url, orders: node.orders };
  }
}

/** @throws PyrsiaError `REFERENCE_MALFORMED` */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(?:\[([^\]]+)\]|[^:[\]]+):(\d{1,5})$/.exec(text)
    ? [
        undefined,
        text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
        text.slice(text.lastIndexOf(':') + 1),
      ]
    : [];
  if (host === '' || Number(port) > 65_535)
    throw new PyrsiaError('REFERENCE_MALFORMED', { text, reason: 'expected HOST:PORT' });
  return { host, port: Number(port) };
}
