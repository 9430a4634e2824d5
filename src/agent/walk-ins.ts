/**
 * The account of those who ask for images without a launch of ours: an engine that has us for a mirror, a script
 * that names our address. They belong to the same user, and that is all that is known of them.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { ImageAsker } from '../proxy/image-asker.ts';
import type { Accounts } from './accounts.ts';
import type { ImageSession } from './image-sessions.ts';

/** How long nobody asks until the account is closed, in milliseconds. */
const SILENCE_MS = 10_000;

/** Who just asks. */
export interface WalkIns {
  /** The session of whoever asks now. @throws PyrsiaError `CONFIG_INVALID` */
  session(): Promise<ImageAsker>;
}

/** Nobody has asked so far. `open` opens a session by the configuration of the agent's own user. */
export function openWalkIns(accounts: Accounts, open: () => Promise<ImageSession>): WalkIns {
  let current: { readonly id: string; readonly session: Promise<ImageSession> } | undefined;
  let closing: NodeJS.Timeout | undefined;

  function begin(): NonNullable<typeof current> {
    const id = randomUUID();
    const session = open();
    session.then(
      (opened) => accounts.open(id, opened),
      () => (current = undefined),
    );
    return { id, session };
  }

  return {
    async session() {
      clearTimeout(closing);
      const { id, session } = (current ??= begin());
      closing = setTimeout(() => {
        current = undefined;
        void accounts.close(id);
      }, SILENCE_MS).unref();
      return (await session).images;
    },
  };
}
