/**
 * What this node answers its peers: who has what, what registries have said, and content. Nothing but what is offered, and no more than is allowed.
 *
 * @module
 */
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { ASKING_LIMIT, IDLE, LANES_LIMIT, NAMING_LIMIT, type StreamKind } from './allowance.ts';
import { channelOver } from '../wire/channel.ts';
import { isPeerFault } from '../fault.ts';
import { startPace } from '../wire/pace.ts';
import { serveHave } from './serve-have.ts';
import { serveLane } from './serve-lane.ts';
import { serveSaid } from './serve-said.ts';
import type { Served, Serving } from './serving.ts';
import { SAID_PROTOCOL } from '../wire/said.ts';
import { watch } from '../wire/watch.ts';
import { BLOB_PROTOCOL, HAVE_PROTOCOL } from '../wire/wire.ts';

/** Answers on all protocols from now on. */
export async function serve(host: Pick<Libp2p, 'handle'>, serving: Serving): Promise<void> {
  await host.handle(
    HAVE_PROTOCOL,
    (stream, connection) => begin(stream, connection, 'asking', serving, serveHave),
    { maxInboundStreams: ASKING_LIMIT },
  );
  await host.handle(
    BLOB_PROTOCOL,
    (stream, connection) => begin(stream, connection, 'lane', serving, serveLane),
    { maxInboundStreams: LANES_LIMIT },
  );
  await host.handle(
    SAID_PROTOCOL,
    (stream, connection) => begin(stream, connection, 'naming', serving, serveSaid),
    { maxInboundStreams: NAMING_LIMIT },
  );
}

function begin(
  stream: Stream,
  connection: Connection,
  kind: StreamKind,
  serving: Serving,
  answer: (served: Served, serving: Serving) => Promise<void>,
): void {
  const { clock, allowance } = serving;
  const pace = startPace();
  const channel = channelOver(stream, connection.remotePeer.toString(), 'flood', {
    sending: (event) => pace[event](clock.now()),
  });
  const share = allowance.stream(channel.peer, kind, channel.closed);
  if (share === undefined) return void channel.close('flood', 'it has too many streams');

  let asked = clock.now();
  watch(channel, clock, (now) => {
    if (pace.over(now)) return ['slow', 'it takes too little of what it asked for'];
    return now - asked > IDLE ? ['cut', 'it asks nothing'] : undefined;
  });
  const served: Served = {
    channel,
    share,
    connection,
    useful() {
      asked = clock.now();
    },
    async send(bytes) {
      await channel.send(bytes);
      pace.moved(bytes.byteLength, clock.now());
      asked = clock.now();
    },
  };
  channel.closed.addEventListener('abort', () => {
    const { reason }: { reason: unknown } = channel.closed;
    if (isPeerFault(reason) && reason.kind !== 'cut') serving.fault(reason);
  });
  answer(served, serving).then(
    () => void channel.close('cut', 'it has asked all that it will'),
    (error: unknown) => void channel.close('malformed', reasonOf(error)),
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
