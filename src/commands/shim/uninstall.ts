import { outcomes, sayOfFiles } from '../../command/path-talk.ts';
import { ShimCommand } from '../../command/shim-command.ts';
import { facts } from '../../command/table.ts';
import { isPyrsiaError } from '../../errors.ts';
import { type Edited, leavePath } from '../../shims/on-path.ts';
import {
  removeShim,
  removeShimDirectory,
  shimFile,
  type ShimPlace,
  shimsIn,
} from '../../shims/shim-files.ts';
import { positionOnPath } from '../../shims/shim-states.ts';

/** A shim, and what became of it. */
interface RemovedShim {
  readonly tool: string;
  readonly file: string;
  readonly outcome: 'removed' | 'absent' | 'failed';
  /** Why it failed. */
  readonly reason?: string;
}

/** What was taken back. */
interface Uninstalled {
  readonly shims: readonly RemovedShim[];
  /** The files that had put their directory first on the PATH, and those in which that cannot be changed. */
  readonly files: readonly Edited[];
}

export default class ShimUninstall extends ShimCommand {
  static override summary = 'Take shims away, and with the last one the lines in the files of your shell';
  static override description =
    'Those files are then byte for byte what they were, with what was written into them since. What cannot be changed is named, ' +
    'everything else is done, and the exit code is 1.';
  static override examples = ['<%= config.bin %> shim uninstall npx', '<%= config.bin %> shim uninstall'];
  static override usage = 'shim uninstall [TOOL…] [--json]';
  static override strict = false;

  async run(): Promise<Uninstalled> {
    const { argv } = await this.parse(ShimUninstall);
    await using session = this.openSession();
    const { env, paths } = session;
    const place = this.placeOf(session);

    const names =
      argv.length > 0 ? this.toolsNamed(argv).map(({ executable }) => executable) : shimsIn(place).tools;
    const shims = names.map((name) => remove(name, place));
    const isLast = argv.length === 0 || shimsIn(place).tools.length === 0;
    const files = isLast ? leavePath(env, paths.shims).filter(({ outcome }) => outcome !== 'unchanged') : [];
    if (isLast) removeShimDirectory(place);

    const told = [...shims.map(({ file, outcome }) => [file, outcome] as const), ...outcomes(files)];
    this.print(told.length > 0 ? facts(told) : 'There is no shim');
    sayOfFiles(files);
    for (const { file, reason } of shims)
      if (reason !== undefined) this.say(`Cannot remove ${file}: ${reason}`);
    for (const path of shimsIn(place).others) this.say(`${path} is none of ours, and stays`);
    // Lines that stay, because somebody has changed them, are for a person to take out.
    if ([...shims, ...files].some(({ outcome }) => outcome === 'failed' || outcome === 'altered'))
      process.exitCode = 1;
    if (
      shims.some(({ outcome }) => outcome === 'removed') &&
      positionOnPath(env['PATH'], paths.shims) !== undefined
    )
      this.say('A shell that has run them has to forget where they were: hash -r');
    return { shims, files };
  }
}

function remove(tool: string, place: ShimPlace): RemovedShim {
  const file = shimFile(tool, place);
  try {
    return { tool, file, outcome: removeShim(tool, place) ? 'removed' : 'absent' };
  } catch (error) {
    if (!isPyrsiaError(error, 'FILE_UNWRITABLE')) throw error;
    return { tool, file, outcome: 'failed', reason: error.details.reason };
  }
}
