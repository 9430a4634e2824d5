import { shimmable, ShimCommand } from '../../command/shim-command.ts';
import { facts, table } from '../../command/table.ts';
import { loginShell, openHome } from '../../shims/ask-shells.ts';
import { pathFiles, type PathFileState, statesOf } from '../../shims/on-path.ts';
import { isThere, positionOnPath, type ShimState, shimStates } from '../../shims/shim-states.ts';
import { shellNamed } from '../../shims/shells.ts';

/** How things stand with the shims. */
interface Status {
  /** Where they lie. */
  readonly directory: string;
  /** Where that stands on the PATH of this shell, counted from 0; null: nowhere. */
  readonly position: number | null;
  readonly shims: readonly ShimState[];
  /** The files that new shells read, and what they have of our lines. */
  readonly files: readonly PathFileState[];
}

export default class ShimStatus extends ShimCommand {
  static override summary = 'Show each shim: whether it is reached, and what it runs';
  static override examples = ['<%= config.bin %> shim status', '<%= config.bin %> shim status --json'];

  async run(): Promise<Status> {
    await this.parse(ShimStatus);
    await using session = this.openSession();
    const { env, paths } = session;
    const directory = paths.shims;
    const shell = shellNamed(loginShell(env));
    const status: Status = {
      directory,
      position: positionOnPath(env['PATH'], directory) ?? null,
      shims: shimStates(
        shimmable.map(({ executable }) => executable),
        this.placeOf(session),
      ).filter(isThere),
      files: shell ? statesOf(pathFiles(shell, openHome(env, [shell])), directory) : [],
    };
    this.print(told(status));
    const isAmiss = status.shims.some(({ state }) => AMISS.includes(state));
    if (isAmiss && !this.jsonEnabled())
      this.say('Not every shim is reached: pyrsia doctor says why, and what to do');
    return status;
  }
}

/** What keeps a shim from doing its part although it is there. */
const AMISS: readonly ShimState['state'][] = ['unreachable', 'shadowed', 'overwritten', 'broken'];

const columns = [{ heading: 'TOOL' }, { heading: 'SHIM' }, { heading: 'RUNS' }, { heading: '' }];

function told({ directory, position, shims, files }: Status): string {
  const rows = shims.map(({ tool, state, real, before, gone }) => [
    tool,
    state,
    real ?? 'nothing',
    before ? `${before} comes before it` : gone ? `gone: ${gone.join(', ')}` : '',
  ]);
  const place = position === null ? 'not there' : position === 0 ? 'first' : `behind ${position} others`;
  return `${table(columns, rows)}\n\n${facts([
    ['shims in', directory],
    ['on the PATH', place],
    ...files.map(({ path, state }) => [`lines ${state}`, path] as const),
  ])}`;
}
