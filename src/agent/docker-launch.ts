/**
 * A launch of docker: a socket of its own, behind which the daemon is that it would have talked to. Images that the
 * daemon is to pull it pulls from us; all the rest goes through untouched.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { purlOf } from '../content/coordinates.ts';
import { docker, DOCKER_SOCKET } from '../ecosystems/oci/docker.ts';
import { endpointOf } from '../ecosystems/oci/names.ts';
import type { ImageReference } from '../ecosystems/oci/reference.ts';
import { answerImages } from '../proxy/docker-images.ts';
import { openEngine } from '../proxy/docker-engine.ts';
import { type DockerSocketParts, openDockerSocket } from '../proxy/docker-socket.ts';
import { openGivenManifests } from '../proxy/given-manifests.ts';
import type { ImageName } from '../proxy/image-asker.ts';
import { coordinatesOf } from '../proxy/image-content.ts';
import { mirrorOf } from '../proxy/image-gate.ts';
import { PyrsiaError } from '../errors.ts';
import type { ReportLine } from '../resolve/report.ts';
import { restored } from '../shims/environment.ts';
import { environmentNow } from '../shims/process-environment.ts';
import type { Launch } from '../shims/launch.ts';
import { basesOf } from '../shims/docker-bases.ts';
import { answers, findDaemon } from '../shims/docker-daemon.ts';
import { openBuilds } from './docker-builds.ts';
import type { DockerSpares } from './docker-spares.ts';
import { type ImageSessionParts, nothing, openImageSession } from './image-sessions.ts';
import type { Plan, SessionParts } from './sessions.ts';

/** The most bytes of a socket's path. */
const SOCKET_PATH_LIMIT = 103;

/** What launches of docker are made of. */
export interface DockerLaunchParts
  extends ImageSessionParts, Pick<SessionParts, 'news' | 'pathOf' | 'readOnlyBecause'> {
  /** As {@link openSweeps} has it. */
  sweep(this: void, daemon: string): void;
  /** Sockets that launches may have taken already. */
  readonly spares: Pick<DockerSpares, 'serve'>;
  /** Origins that did not answer lately. */
  unreachable(this: void): readonly string[];
  log(this: void, text: string): void;
}

/**
 * Finds out how a launch of docker can be led to us. Its socket is opened by {@link Plan.begin}.
 *
 * @throws PyrsiaError `CONFIG_INVALID`
 */
export async function planDocker(parts: DockerLaunchParts, launch: Omit<Launch, 'pid'>): Promise<Plan> {
  const { offline, policy, wrong, lend, ...opened } = await openImageSession(parts, {
    ...launch,
    command: [launch.tool, ...launch.args],
    ...(launch.receipt && { receiptFile: parts.pathOf(launch.name, 'receipt') }),
  });
  const given = openGivenManifests();
  const session = { ...opened.session, images: { ...opened.session.images, gave: given.add } };
  const { reporter } = session;
  const readOnly = parts.readOnlyBecause();
  if (readOnly !== undefined) reporter.unstored(readOnly);
  const daemon = findDaemon(launch.args, launch.env);
  const files = [...daemon.files, ...('socket' in daemon ? [daemon.socket] : [])];
  const plan = {
    session,
    settings: { ...nothing, sources: files.map((file) => ({ path: file, exists: existsSync(file) })) },
    notes: parts.news(wrong.file, wrong.problems),
    askerFor: () => undefined,
    filling: { how: 'off', limit: 0 },
  } as const;

  const pathOf = (file: string): string => parts.pathOf(launch.name, file);
  const path = pathOf(DOCKER_SOCKET);
  const reason =
    'reason' in daemon
      ? daemon.reason
      : Buffer.byteLength(path) > SOCKET_PATH_LIMIT
        ? `the path of a socket would be too long: ${path}`
        : undefined;
  if (reason !== undefined || 'reason' in daemon) {
    const note = `docker runs without pyrsia: ${reason}`;
    reporter.note(note);
    return { ...plan, notes: [...plan.notes, note] };
  }
  // Who is on the way to us already cannot be sent elsewhere, and is told the same there.
  if (launch.generation === undefined && !(await answers(daemon.socket))) return plan;

  const bases = await basesOf(launch.args, launch);
  const base = await parts.imageBase();
  const engine = openEngine(daemon.socket);
  const strict = offline ?? (policy === 'observe' ? undefined : `policy ${policy}`);
  const images = {
    engine,
    lend,
    strict,
    ours({ registry, repository }: { readonly registry: string; readonly repository: string }) {
      if (registry === new URL(base).host) return undefined;
      const at = mirrorOf(base, registry, launch.name);
      return at === undefined ? undefined : `${at}/${repository}`;
    },
    mayAsk: (registry: string) =>
      offline === undefined &&
      !parts.unreachable().some((origin) => URL.parse(origin)?.host === endpointOf(registry)),
    given(image: ImageReference, since: number) {
      const found = given.of(image);
      const isNew = ({ digest, source, at }: ReportLine): boolean =>
        source === 'upstream' && at >= since && digest !== undefined && found!.layers.includes(digest);
      // Of an image that is here the daemon is to ask for manifests only.
      return found && session.receipt().artifacts.some(isNew) ? found : undefined;
    },
    whyNot(image: ImageName) {
      const version = 'latest';
      const all = purlOf(coordinatesOf(image, version)).slice(0, -version.length);
      const { artifacts } = session.receipt();
      return artifacts.findLast((each) => each.reason !== undefined && each.purl.startsWith(all))?.reason;
    },
    note: (text: string) => reporter.note(text),
  };
  return {
    ...plan,
    redirection: docker.redirect({
      leading: [],
      besides: [],
      credential: '',
      globalConfig: '',
      args: launch.args,
      lockedHosts: [],
      pathOf,
    }),
    async begin(over) {
      const served: DockerSocketParts = {
        daemon: daemon.socket,
        async answer(exchange) {
          const isAnswered = await answerImages(images, exchange);
          if (isAnswered) parts.sweep(daemon.socket);
          return isAnswered;
        },
        before: openBuilds(images, bases, over),
        log: parts.log,
      };
      const socket = parts.spares.serve(launch.name, served) ?? (await openDockerSocket(path, served));
      over.addEventListener('abort', () => void socket[Symbol.asyncDispose](), { once: true });
      if (over.aborted) await socket[Symbol.asyncDispose]();
    },
  };
}

/**
 * The socket of the daemon that the process of a launch would talk to.
 *
 * @throws PyrsiaError `AGENT_REFUSED` where it is not ours to stand in front of
 */
export function daemonOf({ pid, args }: Pick<Launch, 'pid' | 'args'>): string {
  const daemon = findDaemon(args, restored(environmentNow(pid)));
  if ('socket' in daemon) return daemon.socket;
  throw new PyrsiaError('AGENT_REFUSED', { reason: `${daemon.reason}: run docker again` });
}
