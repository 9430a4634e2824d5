/**
 * Fills Maven's local repository while mvn starts: what builds of the same project asked for is put where mvn looks before it
 * asks anybody, by the names of artifacts.
 *
 * What is put there never comes to the proxy. So it is only what the proxy would deliver out of the cache, from the
 * repository of that id, without asking anybody; for everything else mvn has to ask.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { Cache } from '../cache/cache.ts';
import { digestWith, hexOf } from '../content/digest.ts';
import { besides, isOrigin, placeOf } from '../ecosystems/maven/local-repository.ts';
import { PyrsiaError } from '../errors.ts';
import type { AnswerParts } from '../proxy/answer.ts';
import type { ArtifactService, Known } from '../proxy/artifact-service.ts';
import type { Asker } from '../proxy/asker.ts';
import { type LocalRepository, openLocalRepository } from '../shims/local-repository.ts';
import { breather } from './breather.ts';
import type { Asked } from './projects.ts';
import type { Plan } from './sessions.ts';

/** The longest file that somebody who reads what mvn is given reads, in bytes: 1 MiB. */
const READ_LIMIT = 2 ** 20;

/** A local repository that may not be written is its user's choice, and nothing to tell. */
const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS']);

/** What a fill works with. */
export interface FillLocalParts {
  readonly cache: Pick<Cache, 'hashed' | 'pathOf'>;
  readonly artifacts: Pick<ArtifactService, 'knownOf' | 'prepare'>;
  /** Reads what mvn is given. */
  readonly readerOf?: AnswerParts['readerOf'];
  /** With which the tool makes directories, where that is known. */
  umask?(this: void): number | undefined;
}

/** An artifact that is sure to be what its coordinates say at the repository of this id. */
interface Sure {
  readonly asker: Asker;
  readonly asked: Asked;
  readonly known: Known;
  readonly id: string;
  readonly file: string;
  readonly sha1: string;
}

/**
 * Fills the local repository of a launch's tool with what was `asked` before, as far as that can be, until
 * `signal` aborts, and enters it into the launch's account. Never rejects.
 */
export async function fillLocal(
  parts: FillLocalParts,
  { session, settings, redirection, filling }: Plan,
  asked: readonly Asked[],
  signal: AbortSignal,
): Promise<void> {
  const { build } = settings;
  if (!build || !redirection || filling.local !== 'copy' || asked.length === 0) return;
  const startedAt = Date.now();
  const sum = { linked: 0, copied: 0, bytes: 0 };
  const breath = breather();
  const account = (problem?: string): void =>
    session.reporter.filled({
      ...sum,
      ms: Date.now() - startedAt,
      ...(problem !== undefined && { problem }),
    });
  let into: LocalRepository | undefined;
  try {
    // Whoever waits for an answer comes first.
    await turn();
    into = openLocalRepository(build.local, parts.umask?.());
    if (into) await fillAll(into);
  } catch (error) {
    if (!signal.aborted && !UNWRITABLE.has(codeOf(error)))
      account(error instanceof Error ? error.message : String(error));
  } finally {
    close(into);
  }

  async function fillAll(local: LocalRepository): Promise<void> {
    const askers = askersOf({ session, settings });
    const missing = asked.flatMap((each) => {
      const from = askers.get(each.upstream);
      const place = placeOf(each.coordinates);
      return from && place ? [{ ...from, ...place, asked: each }] : [];
    });
    const versions = Map.groupBy(missing, ({ directory }) => directory);
    for (const directory of versions.keys()) if (local.has(directory)) versions.delete(directory);
    // What a log says of all of them is read at once: what contradicts it is not put there.
    const wanted = [...versions.values()].flat();
    for (const [asker, all] of Map.groupBy(wanted, (each) => each.asker)) {
      const coordinates = all.map((each) => each.asked.coordinates);
      await parts.artifacts.prepare(asker, coordinates);
    }
    for (const [directory, files] of versions) {
      await breath();
      if (signal.aborted) return;
      // A file that two repositories have given mvn asks of the one that is right now.
      const single = files.filter(({ file }) => files.filter((each) => each.file === file).length === 1);
      const sure = single.flatMap((each) => sureOf(parts.artifacts, each) ?? []);
      if (sure.length > 0) await put(local, directory, sure);
    }
  }

  /** Puts a version there, without those of its files that are damaged here, which are removed then. */
  async function put(local: LocalRepository, directory: string, files: readonly Sure[]): Promise<void> {
    const at = Date.now();
    const sound: (Sure & { readonly size: number; readonly path: string })[] = [];
    for (const each of files) {
      try {
        // It is hashed at every use.
        const file = await parts.cache.hashed(each.known.wanted);
        if (file) sound.push({ ...each, ...file });
      } catch (error) {
        if (!(error instanceof PyrsiaError)) throw error;
        session.reporter.note(error.message);
      }
    }
    if (sound.length === 0) return;
    const isPut = await local.place(directory, async (growing) => {
      for (const { path, file, size } of sound) {
        growing.copy(path, file);
        if (size > READ_LIMIT) await breath();
      }
      for (const { name, text } of besides(sound, new Date())) growing.write(name, text);
    });
    if (!isPut) return;
    for (const {
      asker,
      asked: { coordinates },
      known,
      size,
      path,
    } of sound) {
      sum.copied++;
      sum.bytes += size;
      void session.reporter.add({ ...known.linked(size, at), via: 'copied' });
      const read = size <= READ_LIMIT ? parts.readerOf?.(asker, coordinates) : undefined;
      if (read) read(readFileSync(path));
    }
    account();
  }
}

/** Who is asked at each upstream, and the id under which mvn knows it; none where it knows it under several. */
function askersOf({
  session,
  settings,
}: Pick<Plan, 'session' | 'settings'>): ReadonlyMap<string, { readonly asker: Asker; readonly id: string }> {
  const ids = Map.groupBy(settings.upstreams, ({ url }) => url);
  return new Map(
    [...session.askers.values()].flatMap((asker) => {
      const [{ scope: id } = {}, ...others] = ids.get(withoutHash(asker.upstream.url)) ?? [];
      // Where mvn itself has to prove who its user is, it has to ask.
      if (asker.proof || id === undefined || others.length > 0 || !isOrigin(id)) return [];
      return [[asker.upstream.name, { asker, id }] as const];
    }),
  );
}

function withoutHash({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** What the proxy would deliver out of the cache now. */
function sureOf(
  artifacts: FillLocalParts['artifacts'],
  each: Omit<Sure, 'known' | 'sha1'>,
): Sure | undefined {
  const known = artifacts.knownOf(each.asker, { coordinates: each.asked.coordinates });
  const sha1 = known && digestWith(known.wanted.digests, 'sha1');
  return known && sha1 ? { ...each, known, sha1: hexOf(sha1) } : undefined;
}

function close(local: LocalRepository | undefined): void {
  try {
    local?.[Symbol.dispose]();
  } catch {
    // The next fill removes what is left.
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
