import * as Flags from '@oclif/core/flags';
import { keyOfNetwork, openOwnMembership } from '../../command/network-key.ts';
import { renewPeers } from '../../command/peer-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { PyrsiaError } from '../../errors.ts';
import { formatJoinToken } from '../../p2p/members/join-token.ts';
import { ADMITS_S, signMembership } from '../../p2p/members/membership.ts';
import { parsePeerAddress } from '../../p2p/peer-name.ts';
import type { Session } from '../../session.ts';

/** An invitation. */
interface Invited {
  readonly token: string;
  /** Until when it may be used, in milliseconds since 1970. */
  readonly until: number;
  /** Who lets in, and where. */
  readonly peer: string;
  readonly addresses: readonly string[];
}

export default class NetworkInvite extends PyrsiaCommand {
  static override summary = 'Let one computer into a private network: a token, for one use within a day';
  static override description =
    'Whoever is given the token says pyrsia network join TOKEN, while this machine can be reached. With the network’s key this machine may ' +
    'let others in for a year, without it from then on. A membership lasts 90 days, and is made anew by itself while both are there.';
  static override examples = [
    '<%= config.bin %> network invite --key net.example.key',
    '<%= config.bin %> network invite --address /dns4/peers.example/tcp/4001',
  ];
  static override flags = {
    key: Flags.string({ summary: 'the file with the network’s key', helpValue: 'FILE' }),
    address: Flags.string({
      summary: 'where this machine is reached; may be given several times; default: where it listens',
      helpValue: 'ADDRESS',
      multiple: true,
    }),
  };

  async run(): Promise<Invited> {
    const { flags } = await this.parse(NetworkInvite);
    await using session = this.openSession();
    const { network, files, members } = await openOwnMembership(session);
    const { self: peer } = members;
    if (flags.key !== undefined) {
      const from = Math.floor(Date.now() / 1000);
      const membership = { peer, from, until: from + ADMITS_S, admits: true };
      const key = await keyOfNetwork(network, flags.key);
      files.keepCard(signMembership(network.key.publicKey, membership, key));
      await renewPeers(session);
    }
    const given = (flags.address ?? []).map((text) => `${text.replace(/\/p2p\/.*$/, '')}/p2p/${peer}`);
    const addresses = (flags.address ? given : await listening(session)).map(
      (text) => parsePeerAddress(text).address,
    );
    const invitation = members.invite();
    if (!invitation)
      throw new PyrsiaError('NOT_PROVEN', {
        what: 'this machine',
        reason: `it may not let others into ${network.key.name}, or too many invitations are open: pyrsia network invite --key ${network.key.name}.key`,
      });
    const { secret, until } = invitation;
    const token = formatJoinToken({ network: network.key.publicKey, peer, addresses, secret, until });
    this.print(token);
    this.say('It lets one computer in, within a day, while this one is reached: pyrsia network join TOKEN');
    return { token, until: until * 1000, peer, addresses };
  }
}

/** Where the agent is reached. Rejects with `AGENT_REFUSED` where it is not. */
async function listening(session: Session): Promise<readonly string[]> {
  const { listening: addresses, why, deaf } = await (await session.agent()).call('peers.renew', {});
  if (addresses.length > 0) return addresses;
  const reason = `this machine is not reached (${why ?? deaf ?? 'it listens nowhere'}): say where with --address`;
  throw new PyrsiaError('AGENT_REFUSED', { reason });
}
