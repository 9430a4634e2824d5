/**
 * Which entries something leads to: whoever does not mind telling what he looks for asks an authority, and proves each entry by
 * the log's own files.
 *
 * @module
 */
import { decodeNumber } from '../log/text.ts';
import { NAME_KINDS, type Said } from './said.ts';
import type { Answered } from './server.ts';

/** How many entries one answer lists. */
const LISTED = 1000;

/**
 * Answers `GET find?purl=…`, or `digest=sha256:…`, `source=…`, `builder=…`, with `from=N` for those from entry N on: the final
 * entries, oldest first, and where to go on when there are more.
 */
export function openFinding(
  said: Pick<Said, 'entries'>,
  final: () => bigint,
): (query: URLSearchParams) => Answered {
  return (query) => {
    const asked = NAME_KINDS.filter((kind) => query.has(kind));
    const [kind] = asked;
    const from = decodeNumber(query.get('from') ?? '0');
    if (kind === undefined || asked.length > 1 || from === undefined)
      return { status: 400, body: `Expected one of ${NAME_KINDS.join(', ')}, and from which entry on\n` };
    const found = said.entries(kind, query.get(kind)!, { from, end: final(), most: LISTED + 1 });
    const value = {
      entries: found.slice(0, LISTED).map(Number),
      ...(found.length > LISTED && { next: Number(found[LISTED]) }),
    };
    return { status: 200, type: 'application/json', body: `${JSON.stringify(value)}\n` };
  };
}
