/**
 * libp2p's TLS, done by Node in the socket itself.
 *
 * `@libp2p/tls` encrypts what passes through streams of JavaScript, at two thirds of this speed. On the wire they are the same.
 *
 * @see https://github.com/libp2p/specs/blob/master/tls/tls.md
 * @module
 */
import { constants } from 'node:crypto';
import { Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import {
  type ConnectionEncrypter,
  InvalidCryptoExchangeError,
  type MessageStream,
  type PeerId,
  type PrivateKey,
  type SecureConnectionOptions,
  type SecuredConnection,
  serviceCapabilities,
  type StreamMuxerFactory,
  UnexpectedPeerError,
} from '@libp2p/interface';
import { makePeerCertificate, peerOfCertificate } from './peer-certificate.ts';
import { type SocketConnection, TlsStream } from './tls-stream.ts';

/** Milliseconds that a handshake may take: what libp2p gives an incoming connection altogether. */
const HANDSHAKE_MS = 10_000;

/** AES first: processors have instructions for it. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/** What of libp2p it needs. */
interface Components {
  readonly privateKey: PrivateKey;
  readonly upgrader: { getStreamMuxers(): Map<string, StreamMuxerFactory> };
}

/** How it differs from what everybody has. */
interface NativeTlsOptions {
  /** Milliseconds that a handshake may take; 10 s. */
  readonly handshakeMs?: number;
}

/** `/tls/1.0.0` for connections over TCP: a component of libp2p's. One certificate serves the whole process. */
export function nativeTls(options: NativeTlsOptions = {}): (components: Components) => ConnectionEncrypter {
  const { handshakeMs = HANDSHAKE_MS } = options;
  // libp2p has not got all of its components yet.
  return (components) => {
    let context: Promise<SecureContext> | undefined;
    const secure = async (
      stream: MessageStream,
      isServer: boolean,
      { signal, remotePeer, skipStreamMuxerNegotiation = false }: SecureConnectionOptions = {},
    ): Promise<SecuredConnection> => {
      const connection = withSocket(stream);
      const muxers = skipStreamMuxerNegotiation ? new Map() : components.upgrader.getStreamMuxers();
      const deadline = AbortSignal.timeout(handshakeMs);
      const ended = AbortSignal.any([deadline, ...(signal ? [signal] : [])]);
      try {
        const early = takeOver(connection);
        await written(connection.socket, ended);
        context ??= contextFor(components.privateKey);
        const tls = encrypt(connection.socket, early, isServer, await context, [...muxers.keys(), 'libp2p']);
        const peer = await shakeHands(tls, isServer, ended);
        if (remotePeer && !remotePeer.equals(peer)) throw new UnexpectedPeerError();
        if (tls.destroyed) throw new InvalidCryptoExchangeError('The connection ended in its handshake');
        const streamMuxer = muxers.get(tls.alpnProtocol || 'libp2p');
        return {
          connection: new TlsStream(connection, tls),
          remotePeer: peer,
          ...(streamMuxer && { streamMuxer }),
        };
      } catch (error) {
        connection.abort(errorOf(error));
        throw error;
      }
    };
    return {
      protocol: '/tls/1.0.0',
      [Symbol.toStringTag]: 'native-tls',
      [serviceCapabilities]: ['@libp2p/connection-encryption'],
      secureInbound: (stream, rest) => secure(stream, true, rest),
      secureOutbound: (stream, rest) => secure(stream, false, rest),
    } as ConnectionEncrypter;
  };
}

async function contextFor(key: PrivateKey): Promise<SecureContext> {
  return createSecureContext({
    ...(await makePeerCertificate(key)),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    // Who resumes a session shows no certificate.
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
}

function withSocket(stream: MessageStream): SocketConnection {
  if (isSocketConnection(stream)) return stream;
  throw new InvalidCryptoExchangeError('Only connections over TCP are encrypted in the socket');
}

function isSocketConnection(stream: MessageStream): stream is SocketConnection {
  return 'socket' in stream && stream.socket instanceof Socket;
}

/** Stops libp2p's own reading of the socket, and returns what it has read too much: the beginning of the handshake. */
function takeOver({ socket, readBuffer }: SocketConnection): Uint8Array {
  socket.pause();
  socket.removeAllListeners('data');
  socket.removeAllListeners('drain');
  const early = readBuffer.slice();
  readBuffer.consume(early.byteLength);
  return early;
}

/** Waits until what libp2p wrote has left, since the encrypted bytes do not queue behind it. */
async function written(socket: Socket, ended: AbortSignal): Promise<void> {
  if (socket.writableLength === 0) return;
  await raced(ended, (resolve, reject) => socket.write('', (error) => (error ? reject(error) : resolve())));
}

function encrypt(
  socket: Socket,
  early: Uint8Array,
  isServer: boolean,
  secureContext: SecureContext,
  ALPNProtocols: string[],
): TLSSocket {
  if (socket.destroyed) throw new InvalidCryptoExchangeError('The connection ended before its handshake');
  if (early.byteLength > 0) socket.unshift(early);
  // Nobody but the peer itself vouches for its certificate.
  const options = { secureContext, ALPNProtocols, rejectUnauthorized: false };
  return isServer
    ? new TLSSocket(socket, { ...options, isServer, requestCert: true })
    : connect({ ...options, socket });
}

/** Resolves to the peer at the other end, once it has proven who it is. */
async function shakeHands(tls: TLSSocket, isServer: boolean, ended: AbortSignal): Promise<PeerId> {
  tls.on('error', () => {});
  // Errors of a connection that was accepted are said only here.
  tls.on('_tlsError', (error: Error) => tls.destroy(error));
  await raced(ended, (resolve, reject) => {
    tls.once(isServer ? 'secure' : 'secureConnect', resolve);
    tls.once('error', reject);
    tls.once('close', () => reject(new InvalidCryptoExchangeError('The connection ended in its handshake')));
  });
  const { raw } = tls.getPeerCertificate() as { raw?: Buffer };
  if (!raw) throw new InvalidCryptoExchangeError('The peer has shown no certificate');
  const peer = await peerOfCertificate(raw);
  ended.throwIfAborted();
  return peer;
}

/** A promise that rejects as soon as the signal says so. */
async function raced(
  ended: AbortSignal,
  start: (resolve: () => void, reject: (error: Error) => void) => void,
): Promise<void> {
  ended.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(errorOf(ended.reason));
  ended.addEventListener('abort', onAbort);
  try {
    start(resolve, reject);
    await promise;
  } finally {
    ended.removeEventListener('abort', onAbort);
  }
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
