import { openOwnLog } from '../../command/own-log.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { startProgress } from '../../command/talk.ts';
import { formatDuration } from '../../content/format.ts';
import { syncLog, type Synced } from '../../trust/sync.ts';

export default class LogSync extends PyrsiaCommand {
  static override summary = "Copy what is new in your network's log, all of it proven";
  static override description =
    'With a copy, search and tail work offline, and nobody learns what is looked for. What was copied before is not fetched again.';
  static override examples = ['<%= config.bin %> log sync'];

  async run(): Promise<Synced & { readonly ms: number }> {
    await this.parse(LogSync);
    await using session = this.openSession();
    await using own = await openOwnLog(session);
    const startedAt = performance.now();
    using progress = startProgress();
    const synced = await syncLog(own.client, (done, size) =>
      progress.show('copied', `Copied ${done} of ${size} entries`),
    );
    progress[Symbol.dispose]();
    const told = { ...synced, ms: Math.round(performance.now() - startedAt) };
    this.print(
      facts([
        ['log', own.client.network.origin],
        ['size', String(told.size)],
        ['new', String(told.added)],
        ['took', formatDuration(told.ms)],
      ]),
    );
    return told;
  }
}
