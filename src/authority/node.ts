/**
 * An authority that runs: its copy of the log, its signatures, what it answers over HTTP, and, where its log is the network's,
 * the order of entries.
 *
 * @module
 */
import { mayChange } from '../ecosystems/index.ts';
import { PyrsiaError } from '../errors.ts';
import type { Verifier } from '../log/keys.ts';
import { type Network, parseNetwork } from '../log/network.ts';
import type { Party } from '../log/policy.ts';
import { decodeNumber } from '../log/text.ts';
import { httpTiles } from '../proxy/http-tiles.ts';
import { openRegistryClient } from '../proxy/registry-client.ts';
import { openUpstreams } from '../proxy/upstream.ts';
import type { ConnectionSettings } from '../shims/settings.ts';
import { openAllowances } from './allowance.ts';
import { openPost, type Post } from './ask-authority.ts';
import { openAuthorityLog } from './authority-log.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Cosigner, openCosigner } from './cosigner.ts';
import { type AskedCosigner, type Finality, openFinality } from './finality.ts';
import { openFinding } from './finding.ts';
import { homeFiles, type Identity } from './home.ts';
import { openIndexOfLog } from './index-of-log.ts';
import { openIntake } from './intake.ts';
import type { AuthorityKeys } from './keys.ts';
import { diskFiles } from './log-files.ts';
import { openMirror } from './mirror.ts';
import { openObservatory, type AskedObserver } from './observatory.ts';
import { openEyes } from './observing.ts';
import { openSaid } from './said.ts';
import { type Answered, listen, type Posted } from './server.ts';
import { openSignedHead } from './signed-head.ts';
import { single } from './single.ts';
import { openSubmissions } from './submissions.ts';

/** What an authority is started with. */
export interface NodeOptions {
  readonly directory: string;
  readonly identity: Identity;
  readonly keys: AuthorityKeys;
  /** The bytes of the network's file. */
  readonly network: Uint8Array;
  readonly listen: { readonly host: string; readonly port: number };
  readonly connection: ConnectionSettings;
  readonly log: (line: string) => void;
  readonly clock?: Clock;
  readonly silenceMs?: number;
  /** How long a batch waits for more entries. */
  readonly batchMs?: number;
  /** How many artifacts one submitter may have looked at in an hour. */
  readonly allowance?: number;
}

/** An authority that runs. */
export interface AuthorityNode {
  readonly port: number;
  /** Whether it orders the entries. */
  readonly orders: boolean;
  close(): Promise<void>;
}

/**
 * Starts an authority. Rejects with `NOT_PROVEN` where its own log is not what it has signed, names what is damaged, and does
 * not start then; with `DOCUMENT_INVALID` for a network that it is not part of.
 */
export async function startNode(options: NodeOptions): Promise<AuthorityNode> {
  const { directory, identity, keys, connection, clock = systemClock, silenceMs = 30_000 } = options;
  const network = parseNetwork(options.network, 'the file of the network');
  const { policy } = network;
  const [theLog] = policy.logs;
  const orders = theLog !== undefined && isSame(theLog.verifier, keys.log.verifier);
  const witness = [...policy.witnesses].find(([, each]) => isSame(each.verifier, keys.cosign.verifier));
  if (theLog === undefined || (!orders && (witness === undefined || theLog.url === undefined)))
    throw new PyrsiaError('DOCUMENT_INVALID', {
      what: 'the file of the network',
      reason: `${identity.organisation} is no part of it, or it does not say where its log is`,
    });

  const files = homeFiles(directory);
  await using opened = new AsyncDisposableStack();
  const upstreams = opened.use(openUpstreams({ silenceMs }));
  const post = openPost(upstreams.ask, connection);
  const publicFiles = diskFiles(files.log);
  const stateFiles = diskFiles(files.state);
  const said = opened.adopt(openSaid(files.said), (each) => each.close());
  const { core, judging } = await openAuthorityLog(
    publicFiles,
    { origin: theLog.verifier.name, network, said, mayChange },
    (entries, first) => {
      intake.committed(entries, first);
      finality?.grown();
    },
  );
  const writeIndex = openIndexOfLog(publicFiles, said);
  const cosigner = openCosigner({
    core,
    read: judging.read,
    logs: policy.logs.map(({ verifier }) => verifier),
    origin: orders ? publicFiles : httpTiles(urlOf(theLog), upstreams, connection),
    signer: keys.cosign,
    cosigned: await openSignedHead(stateFiles, 'cosigned', core),
    files: stateFiles,
    clock,
  });
  const sequencer = single({
    clock,
    close: (entries, after) => judging.close(entries, after, Math.floor(clock.now() / 1000)),
    onDropped: (entry, reason) => intake.dropped(entry, reason),
    ...(options.batchMs !== undefined && { batchMs: options.batchMs }),
  });
  const intake = openIntake({ judging, sequencer, finality: () => finality! });
  let finality: Finality | undefined;
  if (orders) {
    const signed = await openSignedHead(stateFiles, 'signed', core);
    const cosigners = [...policy.witnesses.values()].map((each) =>
      askedCosigner(each, witness?.[1], cosigner, post),
    );
    const parts = { core, signer: keys.log, policy, cosigners, signed, clock };
    finality = await openFinality({ ...parts, files: publicFiles, before: writeIndex });
    opened.defer(async () => finality?.stop());
    await sequencer.start(core);
    opened.defer(async () => sequencer.stop());
    finality.grown();
  }
  const mirror = orders
    ? undefined
    : openMirror({
        core,
        policy,
        origin: httpTiles(urlOf(theLog), upstreams, connection),
        files: publicFiles,
        before: writeIndex,
        clock,
      });
  if (mirror) opened.defer(async () => mirror.stop());

  const add = async (entry: Uint8Array, signal: AbortSignal): Promise<bigint> =>
    orders ? intake.add(entry, signal) : forwarded(post, urlOf(theLog), entry, signal);
  const submissions = openSubmissions({
    said,
    mayChange,
    allowances: openAllowances(clock, options.allowance),
    add,
    reached: async (size) => finality?.reached(size),
    now: () => clock.now(),
    observatory: openObservatory({
      network,
      signer: keys.attest,
      others: askedObservers(network, keys, post),
      clock,
      eyes: openEyes({
        ask: openRegistryClient(upstreams, () => clock.now()).as({ insecure: false }),
        connection,
        registries: identity.upstreams,
      }),
    }),
  });
  const server = await listen(options.listen, {
    files: publicFiles,
    log: options.log,
    find: openFinding(said, () => finality?.size() ?? mirror?.size() ?? 0n),
    status: () => ({
      organisation: identity.organisation,
      orders,
      ...toldPosition(core.last()),
      final: Number(finality?.size() ?? mirror?.size() ?? 0n),
      ...(orders && { sequencer: { ...sequencer.status(), seq: Number(sequencer.status().seq) } }),
      wanting: Object.fromEntries(finality?.wanting() ?? []),
    }),
    posts: new Map<string, (posted: Posted) => Promise<Answered>>([
      ...submissions,
      [
        'add-checkpoint',
        async ({ body }) => {
          const reply = await cosigner.addCheckpoint(body);
          if (reply.status === 200) mirror?.look();
          return reply;
        },
      ],
    ]),
  });
  opened.defer(async () => server.close());
  const kept = opened.move();
  return { port: server.port, orders, close: async () => kept.disposeAsync() };
}

function toldPosition({ seq, size }: { readonly seq: bigint; readonly size: bigint }): object {
  return { batches: Number(seq), size: Number(size) };
}

/** A cosigner: this authority itself is asked without HTTP. */
function askedCosigner(party: Party, own: Party | undefined, cosigner: Cosigner, post: Post): AskedCosigner {
  const { verifier, url } = party;
  if (party === own) return { verifier, ask: async (request) => cosigner.addCheckpoint(request) };
  return {
    verifier,
    async ask(request, signal) {
      if (url === undefined) throw new Error('the policy does not say where it is');
      const { status, body } = await post(new URL('add-checkpoint', prefixed(url)), request, signal);
      return { status, body: body.toString() };
    },
  };
}

function askedObservers(network: Network, keys: AuthorityKeys, post: Post): AskedObserver[] {
  return network.observers.flatMap(({ organisation, verifier }) => {
    const url = network.policy.witnesses.get(organisation)?.url;
    if (isSame(verifier, keys.attest.verifier) || url === undefined) return [];
    const at = new URL('observe', prefixed(url));
    return {
      organisation,
      async ask(request: Uint8Array, signal: AbortSignal) {
        const { status, body } = await post(at, request, signal);
        if (status !== 200)
          throw new PyrsiaError('UPSTREAM_FAILED', {
            url: at.href,
            reason: `status ${status}: ${body.toString().slice(0, 300).trim()}`,
          });
        return body;
      },
    };
  });
}

/** Has the one who orders take an entry. */
async function forwarded(post: Post, log: URL, entry: Uint8Array, signal: AbortSignal): Promise<bigint> {
  const at = new URL('entry', log);
  const { status, body } = await post(at, entry, signal);
  const text = body.toString();
  const index = status === 200 ? decodeNumber(/"entry":(\d+)/.exec(text)?.[1] ?? '') : undefined;
  if (index !== undefined) return index;
  const reason = text.slice(0, 300).trim();
  if (status === 422) throw new PyrsiaError('NOT_PROVEN', { what: 'the entry', reason });
  throw new PyrsiaError('UPSTREAM_FAILED', { url: at.href, reason: `status ${status}: ${reason}` });
}

function urlOf({ url = '' }: Party): URL {
  return prefixed(url);
}

function prefixed(url: string): URL {
  return new URL(url.endsWith('/') ? url : `${url}/`);
}

function isSame(a: Verifier, b: Verifier): boolean {
  return a.name === b.name && Buffer.compare(a.publicKey, b.publicKey) === 0;
}
