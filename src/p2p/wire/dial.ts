import type { Connection, Stream } from '@libp2p/interface';
import { PeerFault } from '../fault.ts';

/** How long a peer may take to say whether it speaks a protocol, in milliseconds. */
const NEGOTIATION = 5000;

/**
 * Opens a stream to a peer we are connected with.
 *
 * @throws PeerFault `cut`, where the peer does not speak the protocol or cannot be reached; or whatever the signal is aborted with.
 */
export async function openStream(
  connection: Connection,
  protocol: string,
  signal?: AbortSignal,
): Promise<Stream> {
  const limit = AbortSignal.timeout(NEGOTIATION);
  try {
    return await connection.newStream(protocol, {
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new PeerFault('cut', connection.remotePeer.toString(), `it opens no stream: ${reason}`, {
      cause: error,
    });
  }
}
