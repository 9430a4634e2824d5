/**
 * Counts whom a tool asks past us because a file that it was given names them.
 *
 * @module
 */
import type { AnswerParts } from '../proxy/answer.ts';
import type { Reporter } from '../resolve/reporter.ts';
import type { Plan } from './sessions.ts';

/** How many are named. */
const NAMED = 5;

/** Tools whose files are read. */
export interface Deep {
  /** Reads what the tool of a launch is given, until nobody knows of the launch. */
  open(plan: Plan): void;
  /** As the proxy wants it. */
  readonly readerOf: NonNullable<AnswerParts['readerOf']>;
}

/** Nothing is read so far. */
export function openDeep(): Deep {
  const readers = new WeakMap<Reporter, (file: string, text: string) => void>();
  return {
    open({ session, settings: { namedIn }, redirection }) {
      if (!namedIn || !redirection) return;
      const found = new Set<string>();
      readers.set(session.reporter, (file, text) => {
        const before = found.size;
        for (const each of namedIn(file, text)) found.add(each);
        if (found.size > before) session.reporter.note(told([...found]), 'deep');
      });
    },
    readerOf({ reporter }, { file }) {
      const read = readers.get(reporter);
      return read && file !== undefined ? (body) => read(file, Buffer.from(body).toString()) : undefined;
    },
  };
}

function told(all: readonly string[]): string {
  const named = all.slice(0, NAMED).join(', ') + (all.length > NAMED ? ', …' : '');
  return all.length === 1
    ? `1 repository that only poms of dependencies name is not asked through us: ${named}`
    : `${all.length} repositories that only poms of dependencies name are not asked through us: ${named}`;
}
