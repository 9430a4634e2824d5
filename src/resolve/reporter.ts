/**
 * Keeps the account of one launch while it runs.
 *
 * @module
 */
import { constants } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import type { DocumentCounts, Receipt, ReportLine } from './report.ts';
import { totals } from './receipt.ts';

/** A pipe that nobody reads is an error: to wait for it would hold up every launch of the agent. */
const APPENDING = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NONBLOCK ?? 0);

/** The account of one launch. */
export interface Reporter {
  /** Records an artifact. Resolves once it stands in `$PYRSIA_REPORT`, so wait for it before the reply ends. */
  add(line: ReportLine): Promise<void>;
  /** Counts a document by where its answer came from. */
  document(from: keyof DocumentCounts): void;
  /**
   * Says something once that is worth a line in the receipt. Of all that concerns one `topic` the first is
   * enough: a full disk is no news with every package.
   */
  note(text: string, topic?: 'storing'): void;
  receipt(endedAt?: number): Receipt;
}

/** Opens the account of a launch. `file`: the absolute path that `$PYRSIA_REPORT` names. */
export function openReporter(
  about: Pick<Receipt, 'launch' | 'command' | 'cwd' | 'startedAt' | 'policy' | 'offline'>,
  file?: string,
): Reporter {
  const artifacts: ReportLine[] = [];
  const documents = { upstream: 0, unchanged: 0, stale: 0 };
  /** By topic. */
  const notes = new Map<string, string>();
  let pending: ReportLine[] = [];
  let flushing: Promise<void> | undefined;

  function note(text: string, topic = text): void {
    if (!notes.has(topic)) notes.set(topic, text);
  }

  /** One write for all that end in the same turn of the event loop. */
  async function flush(path: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const lines = pending;
    pending = [];
    flushing = undefined;
    const text = lines.map((line) => `${JSON.stringify({ launch: about.launch, ...line })}\n`).join('');
    await appendFile(path, text, { mode: 0o600, flag: APPENDING }).catch((error: Error) => {
      note(`the report could not be written: ${error.message}`);
    });
  }

  return {
    async add(line) {
      artifacts.push(line);
      if (file === undefined) return;
      pending.push(line);
      await (flushing ??= flush(file));
    },
    document: (from) => void documents[from]++,
    note,
    receipt: (endedAt) => ({
      ...about,
      ...(endedAt === undefined ? {} : { endedAt }),
      artifacts: [...artifacts],
      documents: { ...documents },
      totals: totals(artifacts),
      notes: [...notes.values()],
    }),
  };
}
