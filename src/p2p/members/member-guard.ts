/**
 * Keeps strangers out of a private network: on each connection both sides prove membership (`member-talk.ts`) before any other
 * protocol is spoken or answered, and whoever cannot is cut off. A stranger learns that there is a peer, and its name.
 *
 * libp2p 3.3.11 has middleware for that, but adds the handler to the list of them with each stream that comes, so that the second
 * stream is handled twice; therefore the registrar's handlers are wrapped, and the connections' `newStream`.
 *
 * @module
 */
import type { Connection, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface';
import { channelOver } from '../wire/channel.ts';
import type { PeerName } from '../contract.ts';
import { answerTalk, MEMBER, openTalk, Stranger, type Talkers } from './member-talk.ts';
import type { Admitted } from './membership.ts';
import type { Members } from './members.ts';

/** How long both sides have to prove that they are members, in milliseconds. */
const HANDSHAKE_MS = 5000;
/** How many streams that the other side has opened may wait for that. */
const WAITING_LIMIT = 4;
/** How often it is looked whether those who are connected still are members, in milliseconds. */
const LOOK_MS = 60_000;
/** How often members tell each other anew what they have heard, in milliseconds: 6 h. */
const TELL_MS = 21_600_000;

/** What a guard needs. */
export interface GuardOptions {
  readonly members: Members;
  /** The network's file, for those who join. */
  readonly file: Uint8Array;
  /** Told who has proven to be a member, on each connection once. */
  readonly admitted?: ((peer: PeerName) => void) | undefined;
  /** Told why somebody was cut off. One line. */
  readonly refused?: (text: string) => void;
  /** How long the other side has to prove that it is a member. Default: 5 s. */
  readonly patienceMs?: number;
}

/** What a guard is asked for. */
export interface MemberGuard {
  /** Takes up what commands have written, cuts off who is a member no more, and tells the others what is new. */
  look(this: void): void;
}

/** The parts of libp2p that are guarded. */
interface Guarded {
  readonly registrar: {
    handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>;
  };
  readonly events: {
    addEventListener(type: 'connection:open', listener: (event: CustomEvent<Connection>) => void): void;
  };
  readonly connectionManager: { getConnections(): Connection[] };
}

/** What is known of a connection. */
interface Entry {
  admitted?: Admitted;
  readonly settled: PromiseWithResolvers<void>;
  waiting: number;
  toldAt: number;
}

/** A service of libp2p, which has to be the first of them: the others begin to speak as soon as there is a connection. */
export function memberGuard(
  options: GuardOptions,
): (parts: Guarded) => MemberGuard & { start(): Promise<void>; stop(): void } {
  const { members, file, refused, patienceMs = HANDSHAKE_MS } = options;
  return ({ registrar, events, connectionManager }) => {
    const entries = new WeakMap<Connection, Entry>();
    let known = members.revoked().digest;
    let timer: NodeJS.Timeout | undefined;

    const entryOf = (connection: Connection): Entry => {
      const found = entries.get(connection);
      if (found) return found;
      const entry: Entry = { settled: Promise.withResolvers(), waiting: 0, toldAt: 0 };
      entry.settled.promise.catch(() => undefined);
      entries.set(connection, entry);
      return entry;
    };
    const cutOff = (connection: Connection, error: unknown): void => {
      const reason = error instanceof Error ? error : new Stranger('unknown');
      entryOf(connection).settled.reject(reason); // Also where the other side was quicker.
      if (connection.status !== 'open') return;
      refused?.(`Cut off ${connection.remotePeer.toString()}: ${reason.message}`);
      connection.abort(reason);
    };
    const talkers = (connection: Connection): Talkers => ({
      members,
      peer: connection.remotePeer.toString(),
      onAdmitted(admitted) {
        const entry = entryOf(connection);
        const isNew = !entry.admitted;
        entry.admitted = admitted;
        entry.toldAt = Date.now();
        entry.settled.resolve();
        if (isNew) options.admitted?.(admitted.peer);
      },
    });

    /** Talks on this stream, and cuts the connection off where that fails. */
    async function talk(connection: Connection, stream: Stream, side: 'opens' | 'answers'): Promise<void> {
      const who = talkers(connection);
      const channel = channelOver(stream, who.peer, 'flood');
      const late = setTimeout(
        () => channel.close('slow', 'it does not prove that it is a member'),
        patienceMs,
      );
      try {
        await (side === 'opens' ? openTalk(channel, who) : answerTalk(channel, who, file));
        await stream.close().catch(() => undefined);
      } catch (error) {
        cutOff(connection, error);
      } finally {
        clearTimeout(late);
      }
      review();
    }
    const open = async (connection: Connection, newStream: Connection['newStream']): Promise<void> => {
      try {
        const stream = await newStream(MEMBER, { signal: AbortSignal.timeout(patienceMs) });
        await talk(connection, stream, 'opens');
      } catch (error) {
        cutOff(connection, error);
      }
    };

    /** Resolves once the other side is a member, and rejects where it is none, or not in time. */
    async function admission(connection: Connection): Promise<void> {
      const entry = entryOf(connection);
      await entry.settled.promise;
      if (entry.admitted && members.holds(entry.admitted)) return;
      cutOff(connection, new Stranger('expired'));
      throw new Stranger('expired');
    }

    const opened = ({ detail: connection }: CustomEvent<Connection>): void => {
      const newStream = connection.newStream.bind(connection);
      connection.newStream = async (protocols, streamOptions) => {
        await admission(connection);
        return newStream(protocols, streamOptions);
      };
      const entry = entryOf(connection);
      const late = setTimeout(() => {
        if (!entry.admitted) cutOff(connection, new Stranger('none'));
      }, patienceMs);
      void entry.settled.promise.catch(() => undefined).finally(() => clearTimeout(late));
      if (connection.direction === 'outbound') void open(connection, newStream);
    };

    /** Cuts off who is a member no more; tells the others where there is something new, or it is time. */
    function review(): void {
      const { digest } = members.revoked();
      const isNew = digest !== known;
      known = digest;
      for (const connection of connectionManager.getConnections()) {
        const { admitted, toldAt } = entryOf(connection);
        if (!admitted) continue;
        if (!members.holds(admitted)) cutOff(connection, new Stranger('expired'));
        else if (isNew || Date.now() - toldAt > TELL_MS) {
          entryOf(connection).toldAt = Date.now();
          void open(connection, connection.newStream.bind(connection));
        }
      }
    }

    const handle = registrar.handle.bind(registrar);
    registrar.handle = async (protocol, handler, handlerOptions) => {
      const guarded: StreamHandler = async (stream, connection) => {
        const entry = entryOf(connection);
        try {
          if (++entry.waiting > WAITING_LIMIT && !entry.admitted) cutOff(connection, new Stranger('unknown'));
          await admission(connection);
        } catch (error) {
          return stream.abort(error instanceof Error ? error : new Stranger('unknown'));
        } finally {
          entry.waiting--;
        }
        await handler(stream, connection);
      };
      return handle(protocol, guarded, handlerOptions);
    };
    events.addEventListener('connection:open', opened);

    return {
      look() {
        members.reload();
        review();
      },
      async start() {
        await handle(MEMBER, async (stream, connection) => talk(connection, stream, 'answers'), {
          maxInboundStreams: 2,
        });
        timer = setInterval(review, LOOK_MS).unref();
      },
      stop: () => clearInterval(timer),
    };
  };
}
