import { delimiter } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { announce, linesFor, listed, outcomes, sayOfFiles } from '../../command/path-talk.ts';
import { shimmable, ShimCommand } from '../../command/shim-command.ts';
import { facts } from '../../command/table.ts';
import { confirmed } from '../../command/talk.ts';
import type { CalledTool } from '../../ecosystems/ecosystem.ts';
import { PyrsiaError } from '../../errors.ts';
import { loginShell, openHome } from '../../shims/ask-shells.ts';
import { addToPath, azureLine, type Edited, pathFiles } from '../../shims/on-path.ts';
import { evaluating, fitsPath, type Shell, shellNamed, SHELLS, syntaxOf } from '../../shims/shells.ts';
import { installShim, readShim, realTool, shimFile, type ShimPlace } from '../../shims/shim-files.ts';
import { positionOnPath } from '../../shims/shim-states.ts';

/** A shim that was written, or was as it should be. */
interface InstalledShim {
  readonly tool: string;
  readonly file: string;
  /** The tool that it runs. */
  readonly real: string;
  readonly outcome: 'written' | 'unchanged';
}

/** What was done. */
interface Installed {
  /** Where shims lie. */
  readonly directory: string;
  readonly shims: readonly InstalledShim[];
  /** The files that put it first on the PATH. */
  readonly files: readonly Edited[];
}

export default class ShimInstall extends ShimCommand {
  static override summary = 'Have tools fetch through pyrsia whenever you type their names';
  static override description =
    'A shim is a small file of a tool’s name that runs the tool, led to us where it is about to fetch. The directory of shims ' +
    'comes first on the PATH by a few lines in the files that your shell reads. They are shown before they are written, and ' +
    'pyrsia shim uninstall takes them out again.\n\n' +
    'Without names it is the tools on your PATH, and it asks; without a terminal it wants --yes. Doing it again renews what a ' +
    'shim knows of where Node and pyrsia are.';
  static override examples = [
    '<%= config.bin %> shim install npm npx',
    '<%= config.bin %> shim install docker podman',
    '<%= config.bin %> shim install --yes',
    '<%= config.bin %> shim install npm npx --shell fish',
    '<%= config.bin %> shim install npm npx --no-path',
  ];
  static override usage = 'shim install [TOOL…] [-y] [--shell SHELL] [--no-path] [--force] [--json]';
  static override strict = false;
  static override flags = {
    yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
    shell: Flags.string({
      summary: 'the shell whose files are written; default: the one you log in with',
      helpValue: 'SHELL',
      options: SHELLS,
    }),
    'no-path': Flags.boolean({ summary: 'write no file of any shell' }),
    force: Flags.boolean({ summary: 'replace a file of such a name that is none of ours' }),
  };

  async run(): Promise<Installed> {
    const { argv, flags } = await this.parse(ShimInstall);
    await using session = this.openSession();
    const { env, paths } = session;
    const directory = paths.shims;
    const place = this.placeOf(session);
    if (!fitsPath(directory, delimiter)) this.error(`${directory} cannot be on a PATH`, { exit: 1 });

    const tools = wrapped(this.toolsNamed(argv), place);
    const login = flags.shell ?? loginShell(env);
    const shell = shellNamed(login);
    const files = shell && !flags['no-path'] ? pathFiles(shell, openHome(env, [shell])) : [];

    const what = listed(tools.map(({ tool, real }) => `${tool.executable} (${real})`));
    this.say(`Shims for ${what} go into ${directory}`);
    if (shell) announce(files, shell, directory);
    if (argv.length === 0 && !flags.yes && !(await confirmed('Install them?')))
      this.error('Nothing was installed: name the tools, or give --yes', { exit: 2 });

    const foreign = tools.find(({ tool }) => readShim(tool.executable, place) === 'foreign');
    if (foreign && !flags.force) {
      const path = shimFile(foreign.tool.executable, place);
      throw new PyrsiaError('FILE_UNWRITABLE', {
        path,
        reason: 'it is there and none of ours; --force replaces it',
      });
    }
    const shims = tools.map(({ tool, real }): InstalledShim => {
      const changed = installShim(tool, place);
      return {
        tool: tool.executable,
        file: shimFile(tool.executable, place),
        real,
        outcome: changed ? 'written' : 'unchanged',
      };
    });
    const edited = addToPath(files, directory);
    this.print(facts([...shims.map(({ file, outcome }) => [file, outcome] as const), ...outcomes(edited)]));
    const output = flags['no-path'] ? undefined : azureLine(directory, env);
    if (output !== undefined) this.print(output);
    sayOfFiles(edited, linesFor(shell ?? 'sh', directory));
    if (edited.some(({ outcome }) => outcome === 'failed')) process.exitCode = 1;
    this.advise(shell, login, { directory, env, isLeft: flags['no-path'] });
    return { directory, shims, files: edited };
  }

  /** Says what is left to the user. */
  private advise(
    shell: Shell | undefined,
    login: string,
    { directory, env, isLeft }: { directory: string; env: NodeJS.ProcessEnv; isLeft: boolean },
  ): void {
    // At each prompt, before whatever was on the PATH when it was activated.
    if (env['MISE_SHELL'])
      this.say(`mise puts its own tools first: name ${directory} in [env] _.path of its configuration`);
    if (shell === undefined) {
      this.say(`Nothing is known of how ${login} is told: put ${directory} first on its PATH`);
      if (!isLeft) process.exitCode = 1;
    } else if (positionOnPath(env['PATH'], directory) === 0) {
      if (syntaxOf(shell) === 'posix')
        this.say('A shell that has run them before has to forget where they were: hash -r');
    } else {
      this.say(
        `${isLeft ? 'To have them first on the PATH' : 'New shells have them; in this one'}: ${evaluating(shell)}`,
      );
    }
  }
}

/** The tools that shims would run, with where they are: those that are named, else all that there are. */
function wrapped(
  named: readonly CalledTool[],
  place: ShimPlace,
): { readonly tool: CalledTool; readonly real: string }[] {
  const found = (named.length > 0 ? named : shimmable).flatMap((tool) => {
    const real = realTool(tool.executable, place);
    if (real !== undefined) return { tool, real };
    if (named.length > 0) throw new PyrsiaError('NOT_FOUND', { what: `${tool.executable} on the PATH` });
    return [];
  });
  if (found.length > 0) return found;
  const names = listed(shimmable.map(({ executable }) => executable));
  throw new PyrsiaError('NOT_FOUND', {
    what: `a tool on the PATH that there are shims for, which are ${names}`,
  });
}
