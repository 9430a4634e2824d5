/**
 * Help that opens with examples. oclif loads it by its path, from `package.json`.
 *
 * @module
 */
import type { Command } from '@oclif/core/command';
import { CommandHelp, Help } from '@oclif/core/help';
import type * as Interfaces from '@oclif/core/interfaces';
import { wantsColour } from './talk.ts';

/** What most people want to do, as the program's own help shows it first. */
const FIRST_EXAMPLES = [
  'pyrsia exec -- npm ci            an install that is fast, verified, and possible offline next time',
  'pyrsia why last                  where every package of it came from, and on whose word',
  'pyrsia pull npm:express@^5       one package into the cache',
  'pyrsia cache ls                  what is here',
];

class ExamplesFirst extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    return super
      .sections()
      .toSorted((a, b) => Number(b.header === 'EXAMPLES') - Number(a.header === 'EXAMPLES'));
  }

  protected override examples(examples: Command.Example[] | string | undefined): string | undefined {
    const lines = [examples ?? []]
      .flat()
      .map((example) => `$ ${this.render(typeof example === 'string' ? example : example.command)}`);
    return lines.length > 0 ? lines.join('\n') : undefined;
  }

  /** Without the summary, which is the first line already. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description && this.wrap(this.render(description));
  }
}

export default class PyrsiaHelp extends Help {
  protected override CommandHelpClass = ExamplesFirst;

  constructor(config: Interfaces.Config, options: Partial<Interfaces.HelpOptions> = {}) {
    super(config, { ...options, stripAnsi: !wantsColour(process.stdout) });
  }

  override formatRoot(): string {
    const examples = this.section('EXAMPLES', FIRST_EXAMPLES.map((example) => `$ ${example}`).join('\n'));
    return `${examples}\n\n${super.formatRoot()}`;
  }
}
