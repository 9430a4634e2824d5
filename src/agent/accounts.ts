/**
 * The accounts of running launches, by the launch's id: kept open while it runs, closed once, when everything
 * it fetched is stored.
 *
 * @module
 */
import { keepReceipt } from '../resolve/kept-receipts.ts';
import type { Receipt } from '../resolve/report.ts';
import type { Session } from './sessions.ts';

/** Open accounts. */
export interface Accounts {
  open(id: string, session: Session): void;
  /** Closes an account, and unless it is not to be `kept`, keeps its receipt; undefined when there is none, or it was closed before. */
  close(id: string, kept?: boolean): Promise<Receipt | undefined>;
  /** Number of accounts that are being closed. */
  closing(): number;
  /** Resolves when those are closed. */
  closed(): Promise<void>;
}

/** No accounts so far. `settled` resolves when everything that was fetched is stored. */
export function openAccounts(parts: {
  readonly state: string;
  settled(): Promise<void>;
  /** Told of each receipt that is kept, once nothing is missing in it. */
  onClosed?(this: void, receipt: Receipt): void;
  log(text: string): void;
}): Accounts {
  const sessions = new Map<string, Session>();
  const closing = new Set<Promise<Receipt>>();

  async function finish(session: Session, kept: boolean): Promise<Receipt> {
    await parts.settled();
    const receipt = session.receipt(Date.now());
    try {
      if (kept) keepReceipt(parts.state, receipt);
    } catch (error) {
      parts.log(`Cannot keep the receipt: ${String(error)}`);
    }
    if (kept) parts.onClosed?.(receipt);
    return receipt;
  }

  return {
    open: (id, session) => void sessions.set(id, session),
    async close(id, kept = true) {
      const session = sessions.get(id);
      sessions.delete(id);
      if (!session) return undefined;
      session.reporter.close();
      const receipt = finish(session, kept);
      closing.add(receipt);
      return receipt.finally(() => closing.delete(receipt));
    },
    closing: () => closing.size,
    closed: async () => void (await Promise.all(closing)),
  };
}
