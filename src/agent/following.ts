/**
 * Follows tools as they choose versions, by the documents that the proxy gives them: those that upstream has just
 * sent or confirmed, so what is made of them is as fresh as what the tool makes of them itself. Nobody is asked
 * for anything.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { StoredDocument } from '../cache/cache.ts';
import type { Follower, PinnedContent, Tool } from '../ecosystems/ecosystem.ts';
import type { Delivered } from '../proxy/answer.ts';
import type { Asker } from '../proxy/asker.ts';
import { decoded, type DocumentService } from '../proxy/documents.ts';
import type { Reporter } from '../resolve/reporter.ts';
import { libcHere } from '../shims/libc.ts';
import type { InstallSettings } from '../shims/settings.ts';
import { textOf } from './pinned.ts';
import type { Plan } from './sessions.ts';

/** The most bytes of a document that are read for this: 16 MiB. */
const DOCUMENT_LIMIT = 16 * 2 ** 20;

/** The most bytes of documents that are kept in memory while they wait: 16 MiB. The others are read from the cache. */
const WAITING_LIMIT = 16 * 2 ** 20;

/** The tools that are followed. */
export interface Followings {
  /** What the tool of a launch is likely to look for, as it turns out, until the launch is over. */
  open(tool: Tool, plan: Plan, over: AbortSignal): AsyncIterable<readonly PinnedContent[]> | undefined;
  /** Told of each document that a tool is given as upstream has it now. */
  given(this: void, asker: Asker, delivered: Delivered): void;
}

/** Nobody is followed so far. */
export function openFollowings(documents: Pick<DocumentService, 'atHand'>): Followings {
  const listeners = new WeakMap<Reporter, (asker: Asker, delivered: Delivered) => void>();

  return {
    given: (asker, delivered) => listeners.get(asker.reporter)?.(asker, delivered),
    open(tool, { session, settings, filling, redirection }, over) {
      const { install } = settings;
      if (!install?.choice || !tool.follow || !redirection || filling.how === 'off') return undefined;
      const queue: (() => Promise<readonly PinnedContent[]>)[] = [];
      let waiting = 0;
      let wake: (() => void) | undefined;
      over.addEventListener('abort', () => wake?.());
      let opening: Promise<Follower> | undefined;
      const open = async (): Promise<Follower> => (opening ??= followerOf(tool, install));
      // Where all will be chosen anew, it begins while the tool starts; else maybe never.
      if (!install.lockfiles.some((path) => existsSync(path)))
        void turn()
          .then(open)
          .catch(() => undefined);

      listeners.set(session.reporter, (asker, { address, what, document, headers }) => {
        const size = document.body.byteLength;
        let kept = waiting + size <= WAITING_LIMIT ? document : undefined;
        if (kept) waiting += size;
        queue.push(async () => {
          const read = async (): Promise<Uint8Array | undefined> => {
            await turn(); // One document may be read many times.
            return over.aborted ? undefined : textIn(kept ?? (await documents.atHand(asker, address)));
          };
          const found = await (await open()).given(what, { read, headers });
          if (kept) waiting -= size;
          kept = undefined;
          return found;
        });
        wake?.();
      });

      return (async function* () {
        for (;;) {
          await turn(); // Whoever waits for an answer comes first.
          if (over.aborted) return;
          const next = queue.shift();
          if (next) yield await next();
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      })();
    },
  };
}

async function followerOf(tool: Tool, { choice, lockfiles, installed, ...terms }: InstallSettings) {
  let lockfile: string | undefined;
  for (const path of lockfiles) lockfile ??= await textOf(path);
  const there = installed === undefined ? undefined : await textOf(installed);
  const manifest = choice!.manifest === undefined ? undefined : await textOf(choice!.manifest);
  const libc = terms.libc ?? libcHere();
  return tool.follow!(
    {
      named: choice!.named,
      peers: choice!.peers,
      ...(manifest === undefined ? {} : { manifest }),
      ...(lockfile === undefined ? {} : { lockfile }),
    },
    {
      ...terms,
      ...(libc === undefined ? {} : { libc }),
      ...(there === undefined ? {} : { installed: there }),
    },
  );
}

/** The text of a document; undefined for one that is gone, illegible or too long. */
async function textIn(document: StoredDocument | undefined): Promise<Uint8Array | undefined> {
  if (!document || document.body.byteLength > DOCUMENT_LIMIT) return undefined;
  const text = await decoded(document).catch(() => undefined);
  return text && text.byteLength <= DOCUMENT_LIMIT ? text : undefined;
}
