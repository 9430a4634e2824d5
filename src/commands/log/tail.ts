import * as Flags from '@oclif/core/flags';
import { entryFlags, entryText, fieldsIn, pickedOf } from '../../command/entry-table.ts';
import { openOwnLog } from '../../command/own-log.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { entriesFrom, type EntryRow, rowOf } from '../../trust/entries.ts';

export default class LogTail extends PyrsiaCommand {
  static override summary = "Show the last entries of your network's log, newest last";
  static override examples = [
    '<%= config.bin %> log tail',
    '<%= config.bin %> log tail -n 100 --csv --fields index,purl,sha256',
  ];
  static override flags = {
    ...entryFlags,
    lines: Flags.integer({ char: 'n', summary: 'how many', default: 10, min: 1, max: 100_000 }),
  };

  async run(): Promise<Partial<EntryRow>[]> {
    const { flags } = await this.parse(LogTail);
    const fields = fieldsIn(flags.fields);
    await using session = this.openSession();
    await using own = await openOwnLog(session);
    const kept = own.offline === undefined ? await own.client.refresh() : own.client.latest();
    const rows: EntryRow[] = [];
    if (kept) {
      const { size } = kept.checkpoint;
      const from = size > BigInt(flags.lines) ? size - BigInt(flags.lines) : 0n;
      for await (const entries of entriesFrom(own.client.below(kept), from)) rows.push(...entries.map(rowOf));
    }
    this.print(entryText(rows, fields, flags.csv));
    return flags.fields === undefined ? rows : rows.map((row) => pickedOf(row, fields));
  }
}
