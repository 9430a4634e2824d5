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
  'pyrsia shim install         have npm, docker and their like fetch through pyrsia as you type them',
  'pyrsia exec -- npm ci       the same for one command, with nothing installed',
  'pyrsia pull nginx:latest    an image, proven down to each layer, for docker or podman',
  'pyrsia why last             where everything came from, and on whose word',
  'pyrsia doctor               what is wrong, and what repairs it',
  'pyrsia uninstall --purge    take everything back',
];

class ExamplesFirst extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    return super
      .sections()
      .toSorted((a, b) => Number(b.header === 'EXAMPLES') - Number(a.header === 'EXAMPLES'));
  }

  protected override examples(examples: Command.Example[] | string | undefined): string | undefined {
    const lines = typed(examples).map((example) => `$ ${this.render(example)}`);
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

  /** Opens with the first example of each of its commands. */
  protected override formatTopic(topic: Interfaces.Topic): string {
    const lines = this.sortedCommands
      .filter(({ id }) => id.startsWith(`${topic.name}:`))
      .flatMap(({ examples }) => typed(examples).slice(0, 1))
      .map((example) => `$ ${this.render(example)}`);
    return `${this.section('EXAMPLES', lines.join('\n'))}\n\n${super.formatTopic(topic)}`;
  }
}

/** Examples without what is said of them. */
function typed(examples: Command.Example[] | string | undefined): string[] {
  return [examples ?? []].flat().map((example) => (typeof example === 'string' ? example : example.command));
}
