import * as Flags from '@oclif/core/flags';
import { follow, lastLines } from '../../command/log-file.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { harmless } from '../../command/talk.ts';

export default class AgentLogs extends PyrsiaCommand {
  static override summary = "Print the end of the agent's log";
  static override examples = [
    '<%= config.bin %> agent logs',
    '<%= config.bin %> agent logs -n 200',
    '<%= config.bin %> agent logs -f',
  ];
  static override flags = {
    lines: Flags.integer({ char: 'n', summary: 'how many lines', default: 50, min: 0 }),
    follow: Flags.boolean({
      char: 'f',
      summary: 'go on with what is written from now on',
      exclusive: ['json'],
    }),
  };

  async run(): Promise<{ readonly path: string; readonly lines: readonly string[] }> {
    const { flags } = await this.parse(AgentLogs);
    await using session = this.openSession();
    const path = session.logPath;

    const { lines, end } = lastLines(path, flags.lines);
    this.print(lines.join('\n'));
    if (flags.follow) {
      for await (const text of follow(path, end)) process.stdout.write(harmless(text));
    }
    return { path, lines };
  }
}
