/**
 * The log of one network, as an authority keeps it: its files, what they say, and what may follow.
 *
 * @module
 */
import { provenLog } from '../log/read-tiles.ts';
import { TILE_WIDTH } from '../log/tiles.ts';
import { type Judging, type JudgeOptions, openJudge } from './judge.ts';
import type { ReadableLog } from './log-core.ts';
import type { LogFiles } from './log-files.ts';
import { openLog } from './open-log.ts';

/** The log, and its judge. */
export interface AuthorityLog {
  readonly core: ReadableLog;
  readonly judging: Judging;
}

/**
 * Opens the log in `files`, and has `said` catch up with it. `committed` is told how large the log has become.
 *
 * Rejects as {@link openLog} does, and when an entry is not the one that was committed.
 */
export async function openAuthorityLog(
  files: LogFiles,
  options: JudgeOptions,
  committed: (entries: readonly Uint8Array[], first: bigint) => void = () => {},
): Promise<AuthorityLog> {
  const judging = openJudge(options);
  const core = await openLog(files, judging.batch, (entries, first) => {
    judging.committed(entries, first);
    committed(entries, first);
  });
  const { size } = core.last();
  if (options.said.size() > size)
    throw new RangeError(
      `The look-ups of ${files.name} know ${options.said.size()} entries, and it has ${size}`,
    );
  const log = provenLog(core.source, core.last());
  const width = BigInt(TILE_WIDTH);
  for (let at = options.said.size(); at < size;) {
    const bundle = (await log.entries(at / width)).slice(Number(at % width));
    judging.committed(bundle, at);
    at += BigInt(bundle.length);
  }
  return { core, judging };
}
