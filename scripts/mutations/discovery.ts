import { guardsIn } from './mutation.ts';

/** Who is asked and told what, and what strangers may write into the hash table. */
export const discoveryGuards = [
  ...guardsIn(
    'src/p2p/lan.ts',
    'test/p2p/lan.test.ts',
    {
      why: 'What is given on the LAN is given to everybody',
      find: "(share === 'lan' && !isPrivate(address))",
      replace: 'false',
      only: 'is nobody, whoever is near, or everybody',
    },
    {
      why: 'Strangers behind a gateway get what the user gives nobody there',
      find: '?? links.find(({ gateway }) => gateway)',
      replace: '',
      only: 'nor behind its gateway',
    },
    {
      why: 'A socket is open though nothing is shared',
      find: "if (share === 'off') return [];",
      replace: '',
      only: 'is nowhere when nothing is shared',
    },
    {
      why: 'Connections are accepted where nothing is given',
      find: '.filter((link) => !isQuiet(link))',
      replace: '',
      only: 'is not on a link where nothing is given',
    },
  ),
  ...guardsIn(
    'src/p2p/find/discovery.ts',
    'test/p2p/discovery.test.ts',
    {
      why: 'Peers are asked by sha1, for which they could make something up',
      find: "algorithmOf(digest) !== 'sha1'",
      replace: 'digest.length > 0',
      only: 'never by sha1',
    },
    {
      why: 'One seed has us connect to whomever it names',
      find: 'contacts.slice(0, REACHED)',
      replace: 'contacts',
      only: 'at most eight that one seed names',
    },
  ),
  ...guardsIn('src/p2p/find/promptness.ts', 'test/p2p/discovery.test.ts', {
    why: 'A miss waits for whoever never answered',
    find: 'isPrompt: false,',
    replace: 'isPrompt: true,',
    only: 'does not wait for peers that have never answered',
  }),
  ...guardsIn('src/p2p/acquaintances.ts', 'test/p2p/acquaintances.test.ts', {
    why: 'Somebody who is banned is connected to',
    find: '|| !isAllowed(peer)) continue;',
    replace: ') continue;',
    only: 'where they are banned',
  }),
  ...guardsIn(
    'src/p2p/table/provider-records.ts',
    'test/p2p/provider-records.test.ts',
    {
      why: 'One peer fills the memory with records',
      find: '(this.#perPeer.get(peer) ?? 0) < RECORDS_PER_PEER',
      replace: 'true',
      only: 'of a peer, whatever the others have',
    },
    {
      why: 'A key is buried under records',
      find: '(this.#keys.get(cid)?.size ?? 0) < RECORDS_PER_KEY',
      replace: 'true',
      only: 'for a key',
    },
    {
      why: 'Who has gone is named for ever',
      find: 'if (this.#isOver(record)) this.#remove(cid, peer);\n      else if',
      replace: 'if',
      only: 'end after an hour',
    },
    {
      why: 'One provider without addresses breaks off the answer',
      find: 'else if (await this.#isKnown(peer))',
      replace: 'else',
      only: 'nobody knows where the peer is',
    },
  ),
  ...guardsIn('src/p2p/table/table.ts', 'test/p2p/table-limits.test.ts', {
    why: 'A provider fills the memory with addresses',
    find: 'multiaddrs.slice(0, ADDRESSES)',
    replace: 'multiaddrs',
    only: 'eight of them',
  }),
  ...guardsIn('src/p2p/serve/hints.ts', 'test/p2p/hints.test.ts', {
    why: 'Strangers learn the addresses of a private network',
    find: 'isNear || !isPrivate(',
    replace: 'true || !isPrivate(',
    only: 'is not told of addresses in a private network',
  }),
  ...guardsIn('src/p2p/serve/serving-of.ts', 'test/p2p/peers.test.ts', {
    why: 'What is not shared is given to whomever we have connected to',
    find: 'rules.gives(connection.remotePeer.toString(), ipOf(connection))',
    replace: 'true',
    only: 'give nothing to anybody',
  }),
];
