/**
 * What the agent fetches with, for all launches and commands alike: the cache, upstreams, what these declare, and what
 * the log says.
 *
 * @module
 */
import type { Cache } from '../cache/cache.ts';
import { openCache } from '../cache/open-cache.ts';
import type { Config } from '../config/settings.ts';
import type { AgentContext } from '../control/lifecycle.ts';
import type { ArtifactService } from '../proxy/artifact-service.ts';
import { openArtifacts } from '../proxy/artifacts.ts';
import { type CopyService, openCopyService } from '../proxy/copies.ts';
import { type DocumentService, openDocuments } from '../proxy/documents.ts';
import { httpTiles } from '../proxy/http-tiles.ts';
import { type ImageService, openImages } from '../proxy/images.ts';
import { openUpstreams, type Upstreams } from '../proxy/upstream.ts';
import { openResolver } from '../resolve/resolve.ts';
import { proxiesIn } from '../shims/proxies.ts';
import { openOwnLogWord, type OwnLogWord } from '../trust/own-log-word.ts';
import { type Contradictions, openContradictions } from './contradictions.ts';
import { type AgentPeers, openAgentPeers } from './peers.ts';

/** What is fetched with. Disposed of once nobody asks any more. */
export interface Fetching extends AsyncDisposable {
  readonly cache: Cache;
  readonly upstreams: Upstreams;
  readonly documents: DocumentService;
  readonly copies: CopyService;
  readonly artifacts: ArtifactService;
  readonly images: ImageService;
  readonly contradictions: Contradictions;
  readonly logWord: OwnLogWord;
  readonly peers: AgentPeers['asked'];
  readonly agentPeers: AgentPeers;
  /** Why nothing can be stored; undefined where it can. */
  readOnlyBecause(this: void): string | undefined;
}

/** Opens what an agent fetches with. */
export async function openFetching(
  { paths, log, readOnly }: Pick<AgentContext, 'paths' | 'log' | 'readOnly'>,
  config: Pick<Config, 'cache.limit' | 'upstream.timeout'>,
): Promise<Fetching> {
  const limit = config['cache.limit'];
  const cache = await openCache(paths.cache, {
    readOnly: readOnly ?? false,
    ...(limit === 'auto' ? {} : { limit }),
  });
  const upstreams = openUpstreams({ silenceMs: config['upstream.timeout'] });
  const documents = openDocuments(cache.documents, upstreams, Date.now);
  const contradictions = openContradictions(paths.state, log);
  const logWord = openOwnLogWord({
    paths,
    sourceAt: (place) => httpTiles(new URL(place), upstreams, { strictSsl: true, ...proxiesIn(process.env) }),
    now: Date.now,
  });
  const agentPeers = openAgentPeers({
    paths,
    cache,
    log,
    // Two at once would be the same peer.
    without: readOnly ?? cache.readOnlyBecause,
  });
  const copies = openCopyService(agentPeers.asked);
  const artifacts = openArtifacts({
    log: logWord,
    peers: agentPeers.asked,
    cache,
    resolver: openResolver(cache),
    documents,
    upstreams,
    now: Date.now,
    onContradiction: (found) => contradictions.add(found),
  });
  return {
    cache,
    upstreams,
    documents,
    copies,
    artifacts,
    images: openImages({ cache, artifacts, documents, copies, upstreams, now: Date.now }),
    contradictions,
    logWord,
    peers: agentPeers.asked,
    agentPeers,
    readOnlyBecause: () => readOnly ?? cache.readOnlyBecause,
    async [Symbol.asyncDispose]() {
      await agentPeers[Symbol.asyncDispose]();
      await logWord.settled();
      await upstreams[Symbol.asyncDispose]();
      await cache[Symbol.asyncDispose]();
    },
  };
}
