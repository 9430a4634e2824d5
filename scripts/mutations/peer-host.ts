import { guardsIn } from './mutation.ts';

/** Who is at the other end of a connection with a peer, and what becomes of the connection. */
export const peerHostGuards = [
  ...guardsIn(
    'src/p2p/identity.ts',
    'test/p2p/identity.test.ts',
    {
      why: 'Two processes have two names, and one of them is forgotten',
      find: 'await link(temporary, path);',
      replace: 'await rm(path, { force: true }).then(() => link(temporary, path));',
      only: 'for processes that make it at once',
    },
    {
      why: 'A bit changes, and nobody knows this machine any more',
      find: ' || !secret.subarray(32).equals(publicOf(secret.subarray(0, 32)))',
      replace: '',
      only: 'is refused when its file',
    },
    {
      why: 'Others on this machine pass for it',
      find: "'wx', 0o600",
      replace: "'wx', 0o644",
      only: 'alone',
    },
  ),
  ...guardsIn(
    'src/p2p/host/peer-certificate.ts',
    'test/p2p/peer-certificate.test.ts',
    {
      why: 'Anybody is whoever they say',
      find: 'if (!(await peer.verify(Buffer.concat([PREFIX, signed]), signature)))',
      replace: 'if (!peer)',
      only: 'another peer has signed it',
    },
    {
      why: 'A certificate is believed for ever',
      find: 'if (!(certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime()))',
      replace: 'if (!now)',
      only: 'its time',
    },
    {
      why: 'What restricts a certificate is not heeded',
      find: 'else if (rest[0]?.tag === Tag.boolean)',
      replace: 'else if (!id)',
      only: 'that has to be understood',
    },
    {
      why: 'One certificate is two peers’',
      find: ' || second) throw',
      replace: ') throw',
      only: 'two that name a peer',
    },
  ),
  ...guardsIn(
    'src/p2p/host/native-tls.ts',
    'test/p2p/native-tls.test.ts',
    {
      why: 'Another peer answers in place of the one that was looked for',
      find: 'if (remotePeer && !remotePeer.equals(peer)) throw new UnexpectedPeerError();',
      replace: '',
      only: 'who is not the one whom it looks for',
    },
    {
      why: 'Who sends rubbish after the handshake is waited for',
      find: "tls.on('_tlsError', (error: Error) => tls.destroy(error));",
      replace: '',
      only: 'as a server whose connection > brings rubbish after',
    },
    {
      why: 'Whoever connects and says nothing keeps a socket for ever',
      find: 'const deadline = AbortSignal.timeout(handshakeMs);',
      replace: 'const deadline = AbortSignal.timeout(100 * handshakeMs);',
      only: 'falls silent in any state',
    },
    {
      why: 'What came while libp2p still read is lost, or read twice',
      find: 'if (early.byteLength > 0) socket.unshift(early);',
      replace: '',
      only: 'takes what came before',
    },
    {
      why: 'Whoever would go on with an earlier session is turned away',
      find: 'secureOptions: constants.SSL_OP_NO_TICKET,',
      replace: '',
      only: 'begins anew with whoever',
    },
  ),
  ...guardsIn(
    'src/p2p/host/tls-stream.ts',
    'test/p2p/native-tls.test.ts',
    {
      why: 'A peer that does not read keeps a socket for ever',
      find: 'socket.destroy();\n      throw error;',
      replace: 'throw error;',
      only: 'closes in time though',
    },
    {
      why: 'What is on its way is lost when a connection is closed',
      find: "this.#tls.removeAllListeners('data').resume().end();",
      replace: 'this.#tls.destroySoon();',
      only: 'once everything has arrived',
    },
    {
      why: 'A peer that sends faster than anybody reads fills the memory',
      find: 'this.#tls.pause();',
      replace: '',
      only: 'holds little of it',
    },
  ),
  ...guardsIn(
    'src/p2p/host/host.ts',
    'test/p2p/host.test.ts',
    {
      why: 'A banned peer comes in',
      find: "denyInboundEncryptedConnection: (id) => isPeerShut(id, 'inbound'),",
      replace: '',
      only: 'lets only in whom',
    },
    {
      why: 'A banned address comes in',
      find: "denyInboundConnection: ({ remoteAddr }: MultiaddrConnection) => isPlaceShut(remoteAddr, 'inbound'),",
      replace: '',
      only: 'neither dials nor accepts',
    },
    {
      why: 'Another peer is taken for the one that was looked for',
      find: 'return names.every(({ value }) => value === peer) ? [address] : [];',
      replace: 'return [address];',
      only: 'does not take somebody else',
    },
  ),
  ...guardsIn(
    'src/p2p/rules.ts',
    'test/p2p/rules.test.ts',
    {
      why: 'Whoever is named by others is dialled anywhere though nothing is public',
      find: "return isClosed || rules.share === 'public' || isPrivate(address);",
      replace: 'return true;',
      only: 'is dialled near only',
    },
    {
      why: 'Others lead us to our own loopback',
      find: 'if (isLoopback(address)) return links.some((link) => isOnLink(link, address));',
      replace: '',
      only: 'is never looked for',
    },
    {
      why: 'The hash table is told what is here though nothing is public',
      find: "isPublic: () => rules.share === 'public' || (isClosed && rules.share !== 'off'),",
      replace: 'isPublic: () => true,',
      only: 'is told what is here',
    },
  ),
];
