/**
 * Sockets for launches of docker that nobody is asked about: they listen before there is a launch, under the public
 * names that launches will have. A stand-in takes such a name (`shim-leads.ts`), and by the time that docker
 * says something there, it is known for whom.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isBuildRequest, isImageRequest } from '../ecosystems/oci/docker-api.ts';
import { DOCKER_SOCKET } from '../ecosystems/oci/docker.ts';
import { PyrsiaError } from '../errors.ts';
import { refuseImages } from '../proxy/docker-images.ts';
import { type DockerSocketParts, openDockerSocket } from '../proxy/docker-socket.ts';
import { SPARE, TAKEN } from '../shims/launch.ts';
import type { SessionParts } from './sessions.ts';

/** How many launches may begin at once without asking; those beyond ask. */
const SPARES = 8;

/** How long a name may be taken without a launch: 60 s. */
const TAKEN_KEPT_MS = 60_000;

/** The spare sockets of one agent. */
export interface DockerSpares {
  /** Sees to it that there are some. Rejects with the system's error. */
  prepare(): Promise<void>;
  /** Whether a public name is one of ours. */
  has(this: void, name: string): boolean;
  /** Has the launch of this name, which has taken a spare socket, served from now on; undefined where it has not. */
  serve(name: string, parts: DockerSocketParts): AsyncDisposable | undefined;
  /** Lets go of those whose launches are over. */
  review(): void;
  close(): Promise<void>;
}

/** Whose spares these are. */
export interface DockerSparesParts extends Pick<SessionParts, 'pathOf'> {
  /** The daemon's socket for the launch of this public name, found at once. @throws why there is none */
  daemonOf(this: void, name: string): string;
  /** Resolves when it is known how that launch is served, and rejects where it is not. */
  known(this: void, name: string): Promise<unknown>;
  log(this: void, text: string): void;
}

interface Spare extends AsyncDisposable {
  parts?: DockerSocketParts;
}

/** None so far. */
export function openDockerSpares({ pathOf, daemonOf, known, log }: DockerSparesParts): DockerSpares {
  const spares = new Map<string, Spare>();
  let preparing: Promise<void> | undefined;
  let isClosed = false;

  async function open(): Promise<void> {
    const name = randomUUID();
    const socket = await openDockerSocket(pathOf(name, DOCKER_SOCKET), {
      log,
      find: async () => Promise.resolve(atOnce(name)),
    });
    spares.set(name, {
      async [Symbol.asyncDispose]() {
        spares.delete(name);
        for (const file of [SPARE, TAKEN]) rmSync(pathOf(name, file), { force: true });
        await socket[Symbol.asyncDispose]();
      },
    });
    writeFileSync(pathOf(name, SPARE), '', { mode: 0o600 });
  }

  /** What is not about images need not wait until it is known who asks for them, and how. */
  function atOnce(name: string): DockerSocketParts {
    const daemon = daemonOf(name);
    const all = known(name).then(() => {
      const { parts } = spares.get(name) ?? {};
      if (!parts) throw new PyrsiaError('AGENT_REFUSED', { reason: 'the launch has ended' });
      return parts;
    });
    // Those to whom it matters are told.
    all.catch(() => undefined);
    return {
      daemon,
      log,
      async answer(exchange) {
        if (!isImageRequest(exchange.method, exchange.target)) return false;
        try {
          return await (await all).answer(exchange);
        } catch (error) {
          refuseImages(exchange, `pyrsia: ${error instanceof Error ? error.message : String(error)}`);
          return true;
        }
      },
      async before(head) {
        if (!isBuildRequest(head.target)) return undefined;
        try {
          return await (await all).before?.(head);
        } catch (error) {
          return `pyrsia: ${error instanceof Error ? error.message : String(error)}`;
        }
      },
    };
  }

  function review(): void {
    for (const [name, spare] of spares) {
      const takenAt = statSync(pathOf(name, TAKEN), { throwIfNoEntry: false })?.mtimeMs;
      const isLost = !spare.parts && takenAt !== undefined && Date.now() - takenAt > TAKEN_KEPT_MS;
      if (isLost || !existsSync(pathOf(name, DOCKER_SOCKET))) void spare[Symbol.asyncDispose]();
    }
  }

  async function prepareNow(): Promise<void> {
    review();
    const free = [...spares].filter(([name, { parts }]) => !parts && !existsSync(pathOf(name, TAKEN)));
    for (let count = free.length; count < SPARES; count++) await open();
  }

  async function prepare(): Promise<void> {
    if (isClosed) return;
    preparing ??= prepareNow().finally(() => (preparing = undefined));
    return preparing;
  }

  return {
    prepare,
    has: (name) => spares.has(name),
    serve(name, parts) {
      const spare = spares.get(name);
      if (!spare) return undefined;
      spare.parts = parts;
      // Nobody has to look at it any more.
      rmSync(pathOf(name, SPARE), { force: true });
      void prepare().catch((error: unknown) => log(`No spare sockets for docker: ${String(error)}`));
      return spare;
    },
    review,
    async close() {
      isClosed = true;
      await preparing?.catch(() => undefined);
      await Promise.all([...spares.values()].map(async (spare) => spare[Symbol.asyncDispose]()));
    },
  };
}
