import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { openLog, openLogToRepair, trusted, trustFlags, wholeFile } from '../../command/log-place.ts';
import { type ToldCheckpoint, toldCheckpoint } from '../../command/log-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { startProgress } from '../../command/talk.ts';
import { equalHashes, leafHash } from '../../content/merkle.ts';
import { PyrsiaError } from '../../errors.ts';
import { type Policy, provenCheckpoint } from '../../log/policy.ts';
import { parseProof, verifyProof } from '../../log/proof.ts';
import type { ProvenLog } from '../../log/read-tiles.ts';
import { decodeText } from '../../log/text.ts';
import { ENTRY_LIMIT, TILE_WIDTH } from '../../log/tiles.ts';

/** How many bundles are read at once. */
const AT_ONCE = 8;

/** The most bytes of a file that is handed in besides: 512 KiB. */
const FILE_LIMIT = 512 * 2 ** 10;

type Verified = ToldCheckpoint & {
  readonly entries?: number;
  readonly index?: number;
  readonly extends?: number[];
  /** The files that were taken from the other copy. */
  readonly repaired?: readonly string[];
};

export default class LogVerify extends PyrsiaCommand {
  static override summary = 'Check a whole log, or the proof that an entry is in one';
  static override description =
    'Of a log it reads every entry and every hash and compares them with the signed checkpoint; --repair puts what is wrong right. A proof needs its entry as well, and no network. Ends with exit code 3 when something is not proven.';
  static override examples = [
    '<%= config.bin %> log verify ./log --policy log.policy',
    '<%= config.bin %> log verify ./log --policy log.policy --extends ./log/checkpoint.7',
    '<%= config.bin %> log verify https://log.example/ --key log.example+33d7b496+AeHTu4…',
    '<%= config.bin %> log verify ./log --policy log.policy --repair https://log.example/',
    '<%= config.bin %> log verify 7.tlog-proof --entry 7.entry --policy log.policy',
  ];
  static override args = {
    what: Args.string({
      description: 'directory or URL of a log, or a .tlog-proof file',
      required: true,
    }),
  };
  static override flags = {
    ...trustFlags,
    extends: Flags.string({
      summary: 'an older checkpoint, with which the log has to begin; may be repeated',
      helpValue: 'FILE',
      multiple: true,
      exclusive: ['entry'],
    }),
    entry: Flags.string({ summary: 'the entry that the proof is of', helpValue: 'FILE' }),
    repair: Flags.string({
      summary: 'take what is missing or altered in this directory from another copy, once it is proven',
      helpValue: 'PLACE',
      exclusive: ['entry'],
    }),
  };

  async run(): Promise<Verified> {
    const { args, flags } = await this.parse(LogVerify);
    const policy = await trusted(flags);
    if (args.what.endsWith('.tlog-proof')) {
      if (flags.entry === undefined)
        this.error('Which entry the proof is of is not said: --entry FILE', { exit: 2 });
      return this.#verifyProof(args.what, flags.entry, policy);
    }
    if (flags.entry !== undefined) this.error('--entry goes with a .tlog-proof file', { exit: 2 });
    return this.#verifyLog(args.what, flags.extends ?? [], policy, flags.repair);
  }

  async #verifyProof(path: string, entryPath: string, policy: Policy): Promise<Verified> {
    const proof = parseProof(await wholeFile(path, FILE_LIMIT), path);
    const entry = await wholeFile(entryPath, ENTRY_LIMIT);
    const told = toldCheckpoint(verifyProof(proof, leafHash(entry), policy, path));
    this.print(facts([...told.rows, ['proven', `${entryPath} is entry ${proof.index}`]]));
    return { ...told.value, index: Number(proof.index) };
  }

  async #verifyLog(
    place: string,
    olderPaths: readonly string[],
    policy: Policy,
    copy?: string,
  ): Promise<Verified> {
    await using session = this.openSession();
    await using opened =
      copy === undefined
        ? await openLog(session, place, policy)
        : await openLogToRepair(session, place, copy, policy);
    const older = await Promise.all(
      olderPaths.map(async (path) =>
        provenCheckpoint(decodeText(await wholeFile(path, FILE_LIMIT), path, FILE_LIMIT), policy, path),
      ),
    );
    for (const [i, { origin, size, root }] of older.entries()) {
      const refused = (reason: string): PyrsiaError =>
        new PyrsiaError('NOT_PROVEN', { what: `the log at ${place}`, reason: `${reason} ${olderPaths[i]}` });
      if (origin !== opened.checkpoint.origin) throw refused('it is another one than that of');
      if (size > opened.checkpoint.size)
        throw refused(`it has ${opened.checkpoint.size} entries, fewer than the ${size} of`);
      if (!equalHashes(await opened.log.rootAt(size), root))
        throw refused('it is a fork: it does not begin as the signed');
    }

    using progress = startProgress();
    const entries = await readAll(opened.log, (read) =>
      progress.show('verified', `Verified ${read} of ${opened.checkpoint.size} entries`),
    );
    progress[Symbol.dispose]();

    const told = toldCheckpoint(opened.checkpoint);
    this.print(
      facts([
        ...told.rows,
        ['extends', older.map(({ size }) => size).join(', ') || undefined],
        ...(opened.repaired ?? []).map((path) => ['repaired', path] as const),
        ['proven', entries === 1 ? 'the entry' : `all ${entries} entries`],
      ]),
    );
    return {
      ...told.value,
      entries,
      ...(opened.repaired && { repaired: opened.repaired }),
      ...(older.length > 0 && { extends: older.map(({ size }) => Number(size)) }),
    };
  }
}

/** Reads all entries, each proven, and returns how many there are. */
async function readAll(log: ProvenLog, onRead: (count: number) => void): Promise<number> {
  const bundles = (log.head.size + BigInt(TILE_WIDTH) - 1n) / BigInt(TILE_WIDTH);
  let count = 0;
  // Of an empty log there is a root all the same.
  await log.rootAt(log.head.size);
  for (let at = 0n; at < bundles; at += BigInt(AT_ONCE)) {
    const left = bundles - at;
    const some = Array.from({ length: left < AT_ONCE ? Number(left) : AT_ONCE }, (_, i) =>
      log.entries(at + BigInt(i)),
    );
    for (const entries of await Promise.all(some)) count += entries.length;
    onRead(count);
  }
  return count;
}
