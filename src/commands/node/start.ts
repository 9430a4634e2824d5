import { once } from 'node:events';
import { join, resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { keyFile, passphraseOf } from '../../command/authority-flags.ts';
import { wholeFile } from '../../command/log-place.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { hasUnit, systemctl } from '../../command/stay.ts';
import { PyrsiaError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import { keepResident } from '../../shims/resident.ts';
import { UNIT } from '../../shims/resident-unit.ts';

/** The most bytes of the file of a network: 256 KiB. */
const NETWORK_LIMIT = 256 * 2 ** 10;

export default class NodeStart extends PyrsiaCommand {
  static override summary =
    'Keep the agent running; with --role authority, run an authority in the foreground';
  static override description =
    'The agent that stays gives others what is public of what it has, as pyrsia share says, also while you fetch nothing.\n\n' +
    'An authority runs until it is interrupted, and answers over HTTP: its copy of the log as static files, cosignatures, observations. The authority whose log is that of the network orders the entries as well. Where others are to reach it, put a server with TLS in front of it.';
  static override examples = [
    '<%= config.bin %> node start',
    '<%= config.bin %> node start ./authority --role authority --key-file ./passphrase',
    '<%= config.bin %> node start ./authority --role authority --listen 127.0.0.1:8090 --network ./network.policy',
  ];
  static override args = { directory: Args.string({ description: 'directory of an authority' }) };
  static override flags = {
    role: Flags.string({
      summary: 'what it is; without: this user’s agent, which stays',
      options: ['authority'],
    }),
    network: Flags.string({
      summary: 'file of the network; default: network.policy in the directory',
      helpValue: 'FILE',
    }),
    listen: Flags.string({
      summary: 'address and port to answer at; port 0: any; default: 127.0.0.1:0',
      helpValue: 'HOST:PORT',
    }),
    'key-file': keyFile,
  };

  async run(): Promise<{ url: string; orders: boolean } | { resident: true; pid: number }> {
    const { args, flags } = await this.parse(NodeStart);
    await using session = this.openSession();
    if (flags.role === undefined) {
      const ofAuthority = args.directory ?? flags.network ?? flags.listen ?? flags['key-file'];
      if (ofAuthority !== undefined) this.error(`${ofAuthority} is for --role authority`, { exit: 2 });
      return await this.keep(session);
    }
    const { directory } = args;
    if (directory === undefined) this.error('Name the directory of the authority', { exit: 2 });
    return await this.runAuthority(session, { ...flags, directory });
  }

  /** Has the agent stay, which is started where none is running. */
  private async keep(session: Session): Promise<{ resident: true; pid: number }> {
    keepResident(session.paths.state, true);
    if (hasUnit(session) && !(await systemctl(session.env, 'is-active', UNIT))) {
      // Only one agent lives at a time, and that is to be systemd's.
      await (await session.runningAgent())?.call('stop', { whenIdle: true });
      await systemctl(session.env, 'start', UNIT);
    }
    const agent = await session.agent();
    await agent.call('peers.renew', {});
    this.print(`The agent stays (pid ${agent.hello.pid}); pyrsia node stop lets it go`);
    return { resident: true, pid: agent.hello.pid };
  }

  private async runAuthority(
    session: Session,
    flags: {
      readonly directory: string;
      readonly network?: string | undefined;
      readonly listen?: string | undefined;
      readonly 'key-file'?: string | undefined;
    },
  ): Promise<{ url: string; orders: boolean }> {
    const listen = addressOf(flags.listen ?? '127.0.0.1:0');
    const [{ homeFiles, readIdentity }, { openKeys }, { startNode }, { tryLock }, { proxiesIn }] =
      await Promise.all([
        import('../../authority/home.ts'),
        import('../../authority/keys.ts'),
        import('../../authority/node.ts'),
        import('../../control/lock.ts'),
        import('../../shims/proxies.ts'),
      ]);
    const directory = resolve(session.cwd, flags.directory);
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
      listen,
      connection: { strictSsl: true, ...proxiesIn(session.env) },
      silenceMs: session.config.values['upstream.timeout'],
      log: (line) => this.say(line),
    });
    const { host } = listen;
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
