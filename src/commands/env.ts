import { delimiter } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { loginShell } from '../shims/ask-shells.ts';
import { dockerfileLine, firstFromNowOn, fitsPath, shellNamed, SHELLS, syntaxOf } from '../shims/shells.ts';

/** Lines for a shell. */
interface Environment {
  readonly shell: string;
  /** The directory that they put first on the PATH. */
  readonly directory: string;
  readonly lines: readonly string[];
}

export default class Env extends PyrsiaCommand {
  static override summary = 'Print lines that put shims first on the PATH of the shell that runs them';
  static override description =
    'For the shell that you log in with, or for --shell. Running them again changes nothing. In fish: ' +
    'pyrsia env --shell fish | source. In PowerShell: pyrsia env --shell powershell | Out-String | Invoke-Expression.';
  static override examples = [
    'eval "$(<%= config.bin %> env)"',
    '<%= config.bin %> env --shell fish',
    '<%= config.bin %> env --shell dockerfile',
  ];
  static override flags = {
    shell: Flags.string({
      summary: 'the shell that is to run them, or a Dockerfile',
      helpValue: 'SHELL',
      options: [...SHELLS, 'dockerfile'],
    }),
  };

  async run(): Promise<Environment> {
    const { flags } = await this.parse(Env);
    await using session = this.openSession();
    const { env, paths } = session;
    const directory = paths.shims;
    if (!fitsPath(directory, delimiter)) this.error(`${directory} cannot be on a PATH`, { exit: 1 });

    const name = flags.shell ?? loginShell(env);
    const shell = shellNamed(name);
    if (name !== 'dockerfile' && shell === undefined)
      this.error(`There are no lines for ${name}: give --shell, one of ${SHELLS.join(', ')}`, { exit: 2 });
    const lines = shell ? firstFromNowOn(directory, syntaxOf(shell)) : [dockerfileLine(directory)];
    this.print(lines.join('\n'));
    return { shell: shell ?? name, directory, lines };
  }
}
