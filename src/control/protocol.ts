/**
 * What commands and shims say to the agent: JSON, one message a line, over a socket in the user's own
 * runtime directory. The agent speaks first, so whoever connects knows at once whom it has found.
 *
 * @module
 */
import type { Collected, Verification } from '../cache/cache.ts';
import type { ErrorCode } from '../errors.ts';
import type { Receipt } from '../resolve/report.ts';

/** Changes whenever a message changes its meaning. {@link Hello}, `stop` and {@link Response} never do. */
export const PROTOCOL = 2;

/** The agent's first line. */
export interface Hello {
  /** The agent's version. */
  readonly pyrsia: string;
  readonly protocol: number;
  readonly pid: number;
  /** Inode of the network namespace that it serves, where the system has such: others cannot reach its ports. */
  readonly net?: string;
}

/** `agent status --json`. */
export interface AgentStatus {
  readonly running: boolean;
  readonly pid?: number;
  readonly version?: string;
  /** Port by upstream. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Launches that are running. */
  readonly launches?: number;
  readonly startedAt?: number;
  /** What waits to be submitted to the log, or is; absent: nothing. */
  readonly submitting?: number;
  /** Resident memory in bytes. */
  readonly rss?: number;
  /** Most resident memory so far, in bytes. */
  readonly peakRss?: number;
  /** Why nothing is stored; absent when the cache is writable. */
  readonly readOnly?: string;
  /** Upstreams that did not answer lately. */
  readonly unreachable?: readonly string[];
  /** How it stands with other computers; absent where no agent runs. */
  readonly peers?: PeersStatus;
}

/** How it stands with other computers. */
export interface PeersStatus {
  /** Whether any is asked or answered now. */
  readonly running: boolean;
  /** Why none is. */
  readonly why?: string;
  /** Who this machine is among them. */
  readonly peer?: string;
  /** Who is given something, here and now: a place where sharing is off counts as off. */
  readonly share: 'off' | 'lan' | 'public';
  /** The addresses at which it is reached, as `pyrsia peers add` takes them. */
  readonly listening: readonly string[];
  /** Why it cannot be reached from outside, although it should be. */
  readonly deaf?: string;
  /** Why neighbours cannot be looked for. */
  readonly lonely?: string;
  /** How many are connected. */
  readonly connected: number;
  /** Since the agent started, in bytes. */
  readonly given: number;
  readonly taken: number;
  /** In bytes per second; absent: unlimited. */
  readonly up?: number;
  readonly down?: number;
  /** Of a network that lets nobody in but its members: its name, and until when we are one, in milliseconds since 1970. */
  readonly network?: string;
  readonly memberUntil?: number;
}

/** What one other computer is to us. Times are in milliseconds since 1970. */
export interface PeerKnown {
  readonly peer: string;
  readonly addresses: readonly string[];
  readonly connected: boolean;
  /** What the user has said of it. */
  readonly said: readonly ('added' | 'banned' | 'trusted')[];
  /** How often it sent what was wrong. */
  readonly strikes: number;
  /** How often it did not send what it was asked for. */
  readonly failures: number;
  /** How quickly it sends, in bytes per second. */
  readonly rate?: number;
  readonly lastSeen?: number;
  /** It is left alone until then. */
  readonly bannedUntil?: number;
}

/** How a tool is to be started, as the agent answers a launch. */
export interface LaunchAnswer {
  /** Undefined: run the tool as if we were not there. */
  readonly redirection?: {
    readonly env: Readonly<Record<string, string>>;
    readonly args: readonly string[];
    /** How many of the user's own arguments come before `args`; absent: none. */
    readonly after?: number;
  };
  /** One line each, for stderr. */
  readonly notes: readonly string[];
}

/** What `pyrsia pull` brought. */
export interface Pulled {
  readonly purl: string;
  readonly digest: string;
  readonly bytes: number;
  readonly source: string;
  readonly word: string;
  readonly by: string;
  readonly rung: string;
  /** What the log says of it; absent where it was not asked. */
  readonly log?: { readonly says: string; readonly entry?: number };
  readonly upstream: string;
  readonly path: string;
}

/** Content of an image. */
export interface PulledBlob {
  readonly mediaType: string;
  readonly digest: string;
  /** Length in bytes. */
  readonly size: number;
  readonly source: string;
  /** Its file in the cache. */
  readonly path: string;
}

/** A layer, proven to hold what the image's configuration says. */
export interface PulledLayer extends PulledBlob {
  /** Digest and length of what it is when it is unpacked; absent for what is no layer of a file system. */
  readonly diffId?: string;
  readonly unpacked?: number;
}

/** An image for one platform. */
export interface PulledManifest extends PulledBlob {
  /** As in `linux/arm64`; absent where it says none. */
  readonly platform?: string;
  readonly config: PulledBlob;
  readonly layers: readonly PulledLayer[];
}

/** What refers to an image: a signature, an attestation. */
export interface PulledReferrer extends PulledBlob {
  /** Digest of the manifest that it is about. */
  readonly subject: string;
  /** What it is, as a media type. */
  readonly artifactType: string;
  /** What it is made of. */
  readonly blobs: readonly PulledBlob[];
}

/** What `pyrsia pull` brought of an image. */
export interface PulledImage extends Pulled {
  readonly image: {
    /** As docker would print it. */
    readonly reference: string;
    readonly manifests: readonly PulledManifest[];
    /** The manifest that lists them, where there is one. */
    readonly index?: PulledBlob;
    readonly referrers: readonly PulledReferrer[];
  };
  /** In full, what the short name that was asked for may have meant, where that was more than one image. */
  readonly mayBe?: readonly string[];
}

/** Every request by name: its parameters, what comes while it runs, and its result. */
export interface Methods {
  status: { params: Record<string, never>; progress: never; result: AgentStatus };
  /**
   * `id` names a launch file in the runtime directory's `launch/`. The launch ends with this connection, or if
   * it `stays`, with its process.
   */
  launch: { params: { id: string; stays?: boolean }; progress: never; result: LaunchAnswer };
  /** Ends a launch; resolves once its report is complete. One that `passes` is part of another command, and its receipt is not kept. */
  end: { params: { id: string; passes?: boolean }; progress: never; result: Receipt };
  /** Ends launches whose process is gone; resolves once the receipts of all that have ended are kept. */
  settle: { params: Record<string, never>; progress: never; result: Record<string, never> };
  pull: {
    params: {
      reference: string;
      cwd: string;
      env: Record<string, string>;
      /** Of an image: for which machine (`linux/arm64`), or `all`. Default: this one. */
      platform?: string;
      /** It is part of another command, and its receipt is not kept. */
      passes?: boolean;
      /** It is what the project's own script for a tool runs, and is had from where that has it, and from nobody else. */
      distribution?: boolean;
    };
    /** `source` once all of it is here: where it came from. */
    progress: { bytes: number; size?: number; what: string; source?: string };
    result: Pulled | PulledImage;
  };
  /** Opens the address of images, where it is not open yet. */
  images: { params: Record<string, never>; progress: never; result: { base: string } };
  'cache.rm': { params: { digests: string[] }; progress: never; result: { removed: number; bytes: number } };
  'cache.gc': { params: { dryRun: boolean }; progress: never; result: Collected };
  'cache.verify': {
    params: { rebuild: boolean };
    progress: { checked: number; total: number };
    result: Verification;
  };
  /** Whether what a reference names exactly comes, as the user's tools are configured, from its ecosystem's public registry. */
  isPublic: {
    params: { reference: string; cwd: string; env: Record<string, string> };
    progress: never;
    result: { public: boolean };
  };
  'trust.accept': {
    params: { reference: string; reason: string };
    progress: never;
    result: { purl: string; digest: string };
  };
  /** Every other computer that is known. */
  peers: {
    params: Record<string, never>;
    progress: never;
    result: { status: PeersStatus; peers: PeerKnown[] };
  };
  /** Connects to a peer, which is known or has an address in its name, and measures how long it takes to answer, in milliseconds. */
  'peers.ping': {
    params: { peer: string; count: number };
    progress: { ms: number };
    result: { peer: string; address: string; ms: number[] };
  };
  /** Puts in force what the user has changed: settings, what was said of peers, membership; `forgive` forgets the faults of one. */
  'peers.renew': { params: { forgive?: string }; progress: never; result: PeersStatus };
  /** Has a member of a private network let this machine in, by the token that was given for it. */
  'network.join': {
    params: { token: string };
    progress: never;
    /** The network's file, in base64, unverified. */
    result: { file: string; until: number };
  };
  /** Ends the agent: at once, or (`whenIdle`) only if it does nothing and nobody else is connected. */
  stop: { params: { whenIdle: boolean }; progress: never; result: { stopping: boolean } };
}

/** A method's name. */
export type Method = keyof Methods;

/** A request line. */
export interface Request<M extends Method = Method> {
  readonly id: number;
  readonly method: M;
  readonly params: Methods[M]['params'];
}

/** Asks that the request of this id be given up. It is answered all the same. */
export interface Cancel {
  readonly cancel: number;
}

/** A reply line: any number of `progress`, then one `result` or `error`. Id 0 answers what was no request. */
export interface Response {
  readonly id: number;
  readonly progress?: unknown;
  readonly result?: unknown;
  readonly error?:
    | { readonly code: ErrorCode; readonly details: unknown }
    | { readonly code: 'INTERNAL'; readonly message: string };
}
