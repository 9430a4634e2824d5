import * as Args from '@oclif/core/args';
import { entryAt, openLog, trusted, trustFlags, where } from '../../command/log-place.ts';
import { type ToldCheckpoint, toldCheckpoint } from '../../command/log-talk.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { harmless } from '../../command/talk.ts';
import { encodeBase64, isText } from '../../log/text.ts';

interface ToldEntry {
  readonly index: number;
  /** The entry where it is text, else its base64. */
  readonly text?: string;
  readonly base64?: string;
}

export default class LogShow extends PyrsiaCommand {
  static override summary = 'Show the checkpoint of a log, or one of its entries';
  static override description =
    'What is shown has been proven: the checkpoint by its signatures, the entry by the checkpoint. An entry is printed byte for byte, unless it is printed on a terminal.';
  static override examples = [
    '<%= config.bin %> log show ./log --policy log.policy',
    '<%= config.bin %> log show ./log 7 --policy log.policy > 7.entry',
  ];
  static override args = { log: where, index: Args.string({ description: 'which entry, counted from 0' }) };
  static override flags = trustFlags;

  async run(): Promise<ToldCheckpoint | ToldEntry> {
    const { args, flags } = await this.parse(LogShow);
    await using session = this.openSession();
    await using opened = await openLog(session, args.log, await trusted(flags));
    if (args.index === undefined) {
      const { rows, value } = toldCheckpoint(opened.checkpoint);
      this.print(facts(rows));
      return value;
    }
    const { index, entry } = await entryAt(opened, args.index);
    const text = isText(entry) ? Buffer.from(entry).toString('utf8') : undefined;
    if (!this.jsonEnabled()) {
      if (process.stdout.isTTY) this.print(text === undefined ? encodeBase64(entry) : harmless(text));
      else process.stdout.write(entry);
    }
    return { index: Number(index), ...(text === undefined ? { base64: encodeBase64(entry) } : { text }) };
  }
}
