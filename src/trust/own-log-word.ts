/**
 * The log of the network that the user belongs to, for as long as an agent runs: what the network file says is taken up when it
 * changes.
 *
 * @module
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration } from '../content/format.ts';
import { VERY_OLD_MS } from '../log/freshness.ts';
import type { TileSource } from '../log/read-tiles.ts';
import { makeOurs } from '../ours.ts';
import type { Paths } from '../paths.ts';
import type { LogWord, ToldLog } from '../verify/logged.ts';
import { evidenceFor, keepEvidence, type KeptEvidence, type LoggedArtifact } from './evidence-files.ts';
import { type LogClient, openLogClient } from './log-client.ts';
import { type LookUps, openLookUps } from './look-ups.ts';
import { networkOf, networkPath, type OwnNetwork, placesOf } from './network-of.ts';

/** A log that can be asked, or only what is kept of it. */
interface Way {
  readonly client: LogClient;
  readonly looks: LookUps;
}

/** The user's network, as its file says at the moment. */
type Current =
  | { readonly kind: 'joined'; readonly network: OwnNetwork; online?: Way; offline?: Way; changed?: string }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | undefined;

/** The log of the user's own network. */
export interface OwnLogWord extends LogWord {
  /** Keeps the evidence for each of these that the part of the log which is here has: nobody is asked. Never rejects. */
  keep(this: void, logged: readonly LoggedArtifact[]): Promise<void>;
  /** Asks for a newer view now: the log is known to have grown. Never rejects. */
  renew(this: void): Promise<void>;
  settled(this: void): Promise<void>;
}

/** Opens the log of the user's network. `sourceAt` reads a place of it. */
export function openOwnLogWord(parts: {
  readonly paths: Paths;
  readonly sourceAt: (place: string) => TileSource;
  readonly now: () => number;
}): OwnLogWord {
  const { paths, sourceAt, now } = parts;
  const path = networkPath(paths);
  let stamp: string | undefined;
  let current: Current;
  const keeping = new Set<Promise<void>>();

  function currently(): Current {
    const found = statSync(path, { throwIfNoEntry: false });
    const seen = found && `${found.ino} ${found.size} ${found.mtimeMs}`;
    if (seen === stamp) return current;
    stamp = seen;
    try {
      const network = networkOf(paths);
      current = network && { kind: 'joined', network };
      const changed = network && noteChange(paths, network);
      if (current?.kind === 'joined' && changed !== undefined) current.changed = changed;
    } catch (error) {
      current = { kind: 'unreadable', reason: error instanceof Error ? error.message : String(error) };
    }
    return current;
  }

  function open(network: OwnNetwork, sources: readonly TileSource[]): Way {
    makeOurs(paths.state);
    makeOurs(paths.cache);
    const client = openLogClient(network, {
      state: join(paths.state, 'log', network.directory),
      cache: join(paths.cache, 'log', network.directory),
      sources,
      now,
    });
    return { client, looks: openLookUps(client, now) };
  }
  function wayOf(joined: Current & { kind: 'joined' }, offline: boolean): Way {
    if (offline) return (joined.offline ??= open(joined.network, []));
    return (joined.online ??= open(joined.network, placesOf(joined.network).map(sourceAt)));
  }

  const told = (offline: boolean): ToldLog | undefined => {
    const at = currently();
    if (at?.kind === 'unreadable') return { origin: 'unknown', old: true, problem: at.reason };
    return at && { origin: at.network.origin, ...wayOf(at, offline).looks.standing() };
  };

  async function evidence(about: LoggedArtifact, offline: boolean): Promise<KeptEvidence | undefined> {
    const at = currently();
    if (at?.kind !== 'joined') return undefined;
    try {
      return await evidenceFor(wayOf(at, offline).client, about);
    } catch {
      return undefined;
    }
  }

  return {
    async lookUp(purls, offline) {
      const at = currently();
      if (at?.kind === 'joined') await wayOf(at, offline).looks.lookUp(purls);
    },
    finding(purl, offline) {
      const at = currently();
      if (at?.kind === 'unreadable') return { kind: 'unasked', reason: at.reason };
      return at && wayOf(at, offline).looks.finding(purl);
    },
    told,
    notes(offline) {
      const at = currently();
      const standing = told(offline);
      if (!standing) return [];
      const { origin, fork, vouchedAt, problem } = standing;
      const age = vouchedAt === undefined ? undefined : now() - vouchedAt;
      return [
        at?.kind === 'joined' && at.changed,
        fork !== undefined &&
          `the log ${origin} has shown two histories, nothing more is taken from it: ${fork}`,
        age !== undefined &&
          age >= VERY_OLD_MS &&
          `what is known of the log ${origin} is ${formatDuration(age)} old: what is new may be hidden`,
        problem !== undefined && !offline && `the log ${origin} could not be asked: ${problem}`,
      ].filter((note) => typeof note === 'string');
    },
    // It refuses all the same: the index is the log's own word.
    prove: async (about, offline) => (await evidence(about, offline))?.proofFile,
    chunks: async (about, offline) => (await evidence(about, offline))?.vouched,
    async keep(logged) {
      const at = currently();
      if (at?.kind !== 'joined') return;
      const { client } = wayOf(at, true);
      const work = (async () => {
        await at.online?.looks.settled();
        for (const each of logged) await keepEvidence(client, each);
      })();
      keeping.add(work);
      await work.finally(() => keeping.delete(work));
    },
    async renew() {
      const at = currently();
      if (at?.kind === 'joined')
        await wayOf(at, false)
          .client.refresh()
          .catch(() => undefined);
    },
    async settled() {
      await Promise.all(keeping);
      if (current?.kind !== 'joined') return;
      await current.online?.looks.settled();
      await current.offline?.looks.settled();
    },
  };
}

/** Says what has changed in whom the user believes since that was noted last, and notes it. */
function noteChange({ state }: Paths, network: OwnNetwork): string | undefined {
  const path = join(state, 'log', 'network.seen');
  try {
    const before = statSync(path, { throwIfNoEntry: false }) && readFileSync(path);
    if (before?.equals(network.bytes)) return undefined;
    makeOurs(state);
    mkdirSync(join(state, 'log'), { recursive: true, mode: 0o700 });
    writeFileSync(path, network.bytes, { mode: 0o600 });
    if (before === undefined) return undefined;
    return `whom you believe has changed (network.policy): from "${quorumIn(before)}" to "${quorumIn(network.bytes)}"`;
  } catch {
    return undefined; // A state that cannot be written remembers nothing.
  }
}

function quorumIn(bytes: Uint8Array): string {
  return /^group authorities .*$/m.exec(Buffer.from(bytes).toString())?.[0] ?? 'another quorum';
}
