/**
 * A connection of libp2p's whose bytes are encrypted by `node:tls`, in the socket itself.
 *
 * @module
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { AbortOptions, MultiaddrConnection, StreamCloseEvent } from '@libp2p/interface';
import { AbstractMessageStream, type SendResult } from '@libp2p/utils';
import type { Uint8ArrayList } from 'uint8arraylist';
import { markFresh } from '../wire/spent.ts';

/** What `@libp2p/tcp` makes of a socket, with what its interface does not show. */
export interface SocketConnection extends MultiaddrConnection {
  readonly socket: Socket;
  /** What came and nobody has read. */
  readonly readBuffer: Uint8ArrayList;
  /** Ends the socket once everything is written. */
  sendClose(options?: AbortOptions): Promise<void>;
}

/** Milliseconds that closing may take when nothing else is said: as long as libp2p waits. */
const CLOSE_MS = 1000;

/** The encrypted connection: what libp2p's multiplexer reads and writes. It and the connection below end together. */
export class TlsStream extends AbstractMessageStream {
  readonly #connection: SocketConnection;
  readonly #tls: TLSSocket;
  #isCorked = false;

  constructor(connection: SocketConnection, tls: TLSSocket) {
    const { log, inactivityTimeout, maxReadBufferLength, direction } = connection;
    super({ log, inactivityTimeout, maxReadBufferLength, direction });
    this.#connection = connection;
    this.#tls = tls;
    tls.on('data', (bytes: Buffer) => {
      markFresh(bytes);
      this.onData(bytes);
    });
    tls.on('drain', () => this.safeDispatchEvent('drain'));
    tls.on('error', (error: Error) => connection.abort(error));
    connection.addEventListener('close', (event) => this.#onClose(event));
    // What libp2p closes is the connection below, and what is still to be encrypted would be lost.
    connection.sendClose = (options) => this.#end(options);
  }

  sendData(bytes: Uint8ArrayList): SendResult {
    this.#cork();
    let canSendMore = true;
    for (const part of bytes) canSendMore = this.#tls.write(part);
    return { sentBytes: bytes.byteLength, canSendMore };
  }

  sendPause(): void {
    this.#tls.pause();
  }

  sendResume(): void {
    this.#tls.resume();
  }

  sendReset(error: Error): void {
    this.#connection.abort(error);
  }

  close(options?: AbortOptions): Promise<void> {
    return this.#connection.close(options);
  }

  /** Frames that are sent at once make records together, and one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#tls.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#tls.uncork();
    });
  }

  #onClose({ error, local }: StreamCloseEvent): void {
    if (!error) this.onTransportClosed();
    else if (local) this.abort(error);
    else this.onRemoteReset();
  }

  /**
   * Sends what is left, says that this is the end, and waits until the other end has said so, too. Who closes a socket
   * while something lies in it that nobody has read (the tickets that servers send) resets the connection, and what is
   * on its way is lost.
   */
  async #end({ signal = AbortSignal.timeout(CLOSE_MS) }: AbortOptions = {}): Promise<void> {
    const { socket } = this.#connection;
    if (socket.destroyed) return;
    try {
      const closed = once(socket, 'close', { signal });
      if (this.writeBufferLength > 0) await Promise.race([once(this, 'idle', { signal }), closed]);
      this.#tls.removeAllListeners('data').resume().end();
      await closed;
    } catch (error) {
      // A peer that does not read, or does not end, would keep the socket for ever.
      socket.destroy();
      throw error;
    }
  }
}
