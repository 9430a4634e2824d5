import { delimiter } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import type { Session } from '../session.ts';
import { loginShell } from '../shims/ask-shells.ts';
import {
  assigning,
  dockerfileLine,
  firstFromNowOn,
  fitsPath,
  type Shell,
  shellNamed,
  SHELLS,
  syntaxOf,
} from '../shims/shells.ts';

/** Lines for a shell. */
interface Environment {
  readonly shell: string;
  /** The directory that they put first on the PATH. */
  readonly directory?: string;
  /** The `DOCKER_HOST` that they set. */
  readonly host?: string;
  readonly lines: readonly string[];
}

export default class Env extends PyrsiaCommand {
  static override summary = 'Print lines that put shims first on the PATH of the shell that runs them';
  static override description =
    'For the shell that you log in with, or for --shell. Running them again changes nothing. In fish: ' +
    'pyrsia env --shell fish | source. In PowerShell: pyrsia env --shell powershell | Out-String | Invoke-Expression.\n\n' +
    'With --docker the lines set DOCKER_HOST instead, for SDKs and other programs that talk to docker’s daemon: to a socket that ' +
    'belongs to you alone, and is there as long as the shell that asks for it. What the daemon is to pull it pulls through pyrsia.';
  static override examples = [
    'eval "$(<%= config.bin %> env)"',
    'eval "$(<%= config.bin %> env --docker)"',
    '<%= config.bin %> env --shell fish',
    '<%= config.bin %> env --shell dockerfile',
  ];
  static override flags = {
    shell: Flags.string({
      summary: 'the shell that is to run them, or a Dockerfile',
      helpValue: 'SHELL',
      options: [...SHELLS, 'dockerfile'],
    }),
    docker: Flags.boolean({ summary: 'set DOCKER_HOST to a socket of ours instead' }),
    pid: Flags.integer({
      summary: 'the process as long as which that socket is there; default: the one that asks',
      helpValue: 'PID',
      min: 1,
      dependsOn: ['docker'],
    }),
  };

  async run(): Promise<Environment> {
    const { flags } = await this.parse(Env);
    await using session = this.openSession();
    const name = flags.shell ?? loginShell(session.env);
    const shell = shellNamed(name);
    if (flags.docker ? !shell : name !== 'dockerfile' && !shell)
      this.error(`There are no lines for ${name}: give --shell, one of ${SHELLS.join(', ')}`, { exit: 2 });
    const found =
      shell && flags.docker ? await this.docker(session, shell, flags.pid) : this.path(session, shell);
    this.print(found.lines.join('\n'));
    return { shell: shell ?? name, ...found };
  }

  private path({ paths }: Session, shell: Shell | undefined): Omit<Environment, 'shell'> {
    const directory = paths.shims;
    if (!fitsPath(directory, delimiter)) this.error(`${directory} cannot be on a PATH`, { exit: 1 });
    const lines = shell ? firstFromNowOn(directory, syntaxOf(shell)) : [dockerfileLine(directory)];
    return { directory, lines };
  }

  private async docker(
    session: Session,
    shell: Shell,
    pid: number = process.ppid,
  ): Promise<Omit<Environment, 'shell'>> {
    const { openDockerHost } = await import('../command/docker-host.ts');
    const { host, variables, notes } = await openDockerHost(session, pid);
    notes.forEach((note) => this.say(note));
    return { host, lines: assigning(variables, syntaxOf(shell)) };
  }
}
