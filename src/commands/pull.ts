import * as Flags from '@oclif/core/flags';
import { deliver, isDirectory } from '../command/deliver.ts';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { facts } from '../command/table.ts';
import { startProgress } from '../command/talk.ts';
import { formatBytes } from '../content/format.ts';
import type { Pulled } from '../control/protocol.ts';

export default class Pull extends PyrsiaCommand {
  static override summary = 'Fetch packages into the cache, and write them where you want them';
  static override description =
    'A reference is npm:NAME@VERSION, where VERSION may be a range or a tag, or a package URL. Dependencies are not fetched.';
  static override examples = [
    '<%= config.bin %> pull npm:express@^5',
    '<%= config.bin %> pull pkg:npm/lodash@4.17.21 -o lodash.tgz',
    '<%= config.bin %> pull npm:lodash npm:@types/node@24 -o packages/',
    '<%= config.bin %> pull npm:lodash -o - | tar tz',
  ];
  static override usage = 'pull REF… [-o FILE|DIR|-] [--json]';
  static override strict = false;
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'write to this file or into this directory; - is stdout' }),
  };

  async run(): Promise<(Pulled & { readonly output?: string })[]> {
    const { argv, flags } = await this.parse(Pull);
    const { output } = flags;
    if (argv.length === 0)
      this.error('Nothing to pull: give a reference such as npm:express@^5', { exit: 2 });
    if (output === '-' && this.jsonEnabled())
      this.error('Stdout holds either the content or --json', { exit: 2 });
    if (argv.length > 1 && output !== undefined && !isDirectory(output)) {
      this.error(`Several references are written into a directory, and there is none at ${output}`, {
        exit: 2,
      });
    }
    await using session = this.openSession();
    const agent = await session.agent();
    const env = Object.fromEntries(Object.entries(session.env).filter(isDefined));

    const all: (Pulled & { readonly output?: string })[] = [];
    for (const reference of argv.map(String)) {
      using progress = startProgress();
      const onProgress = ({ bytes, size, what }: { bytes: number; size?: number; what: string }): void =>
        progress.show(
          `${what}  ${formatBytes(bytes)}${size === undefined ? '' : ` of ${formatBytes(size)}`}`,
        );
      const pulled = await agent.call('pull', { reference, cwd: session.cwd, env }, { onProgress });
      progress[Symbol.dispose]();

      const written = output === undefined ? undefined : await deliver(pulled, output);
      if (output === '-') this.say(told(pulled, undefined));
      else this.print(told(pulled, written));
      all.push({ ...pulled, ...(written !== undefined && { output: written }) });
    }
    return all;
  }
}

function told(
  { purl, digest, bytes, source, upstream, word, by, rung }: Pulled,
  output: string | undefined,
): string {
  return facts([
    ['purl', purl],
    ['digest', digest],
    ['size', formatBytes(bytes)],
    ['from', `${source} (${upstream})`],
    ['evidence', `${word} by ${by}${rung === 'none' ? '' : `: ${rung}`}; no log yet`],
    ['written', output],
  ]);
}

function isDefined(entry: [string, string | undefined]): entry is [string, string] {
  return entry[1] !== undefined;
}
