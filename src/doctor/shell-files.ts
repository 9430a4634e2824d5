/**
 * The lines of ours in the files that the user's shell reads.
 *
 * @module
 */
import { readFileSync, statSync } from 'node:fs';
import { loginShell, openHome } from '../shims/ask-shells.ts';
import {
  addToPath,
  type Edited,
  pathFiles,
  type PathFile,
  type PathFileState,
  removeFromPath,
  statesOf,
} from '../shims/on-path.ts';
import { linesAfterBlock } from '../shims/rc-block.ts';
import { allRcFiles, type RcFile } from '../shims/rc-files.ts';
import { shimsIn } from '../shims/shim-files.ts';
import { positionOnPath, shimStates } from '../shims/shim-states.ts';
import { shellNamed } from '../shims/shells.ts';
import type { Finding, Fix } from './finding.ts';
import type { Patient } from './patient.ts';
import { placeOf } from './shims.ts';
import { word } from '../shims/sh.ts';

/** What changes the order of a PATH: an assignment, and programs that write one. */
const MAY_PREPEND =
  /^(?!\s*#).*(\bPATH\b|\bpath\+?=|\bfish_(add|user)_path|\b(nvm\.sh|fnm|mise|asdf|nodenv|volta|brew|conda|sdkman-init\.sh)\b)/;

/** Looks into each file that a new shell of the user's kind reads, and into those that it does not read. */
export function lookAtShellFiles(patient: Patient): Finding[] {
  const { env, paths } = patient;
  const place = placeOf(patient);
  const { tools } = shimsIn(place);
  const shell = shellNamed(loginShell(env) ?? '');
  // A step of a CI service has files of its own, which are new each time.
  if (tools.length === 0 || shell === undefined || env['GITHUB_PATH'] || env['TF_BUILD'] || env['CIRCLECI'])
    return [];

  const home = openHome(env, [shell]);
  const read = pathFiles(shell, home).filter(isRc);
  const states = statesOf(read, paths.shims);
  const isRead = new Set(read.map(({ path }) => path));
  const unread = allRcFiles(home).filter(
    ({ path }) => !isRead.has(path) && statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
  const stray = statesOf(unread, paths.shims).filter(({ state }) => ['current', 'outdated'].includes(state));
  const hasSome = stray.length > 0 || states.some(({ state }) => state !== 'absent');
  // Whoever has no lines anywhere, but the directory on the PATH, has put it there in their own way.
  if (!hasSome && positionOnPath(env['PATH'], paths.shims) !== undefined) return [];

  const install = `pyrsia shim install ${tools.join(' ')}`;
  const isShadowed = shimStates(tools, place).some(({ state }) => state === 'shadowed');
  const context = {
    shell,
    stray: stray.map(({ path }) => path),
    isShadowed,
    install,
    directory: paths.shims,
  };
  return read.flatMap((file, i) => findingsOf(states[i]!.state, file, context));
}

/** What is known besides a file's state. */
interface Context {
  readonly shell: string;
  /** Files with lines of ours that the shell does not read. */
  readonly stray: readonly string[];
  /** Whether something comes before a shim in this shell. */
  readonly isShadowed: boolean;
  /** The command that writes lines where they are missing. */
  readonly install: string;
  readonly directory: string;
}

function findingsOf(state: PathFileState['state'], file: RcFile, context: Context): Finding[] {
  const { path } = file;
  const { shell, stray, install, directory } = context;
  const elsewhere = stray.length > 0 ? `; they are in ${stray.join(', ')}, which it does not read` : '';
  if (state === 'current') return followed(file, context);
  const about: Readonly<Record<typeof state, Omit<Finding, 'level'>>> = {
    absent: {
      id: 'rc-missing',
      title: `${path}, which ${shell} reads, has no lines of ours${elsewhere}`,
      cost: 'Shells that read it find the tools without pyrsia',
      remedy: install,
      fix: adding(file, directory),
    },
    outdated: {
      id: 'rc-outdated',
      title: `The lines of ours in ${path} are for another directory, cut off or there twice`,
      cost: 'Shells that read it may find the tools without pyrsia',
      remedy: install,
      fix: adding(file, directory),
    },
    altered: {
      id: 'rc-altered',
      title: `Somebody has changed the lines of ours in ${path}`,
      cost: 'They are left as they are, and may not do what they are for',
      remedy: `pyrsia shim uninstall; ${install}`,
    },
    unreadable: {
      id: 'rc-unreadable',
      title: `${path} cannot be read`,
      cost: 'Neither can your shell, and lines of ours in it do nothing',
      remedy: `chmod u+r ${word(path)}`,
    },
  };
  return [{ level: 'wrong', ...about[state] }];
}

function isRc(file: PathFile): file is RcFile {
  return file.syntax !== 'list';
}

/** Lines after ours that may put another directory first. */
function followed(file: RcFile, { isShadowed, install, directory }: Context): Finding[] {
  const { path } = file;
  const after = linesAfterBlock(readFileSync(path, 'latin1')) ?? [];
  const line = after.find((each) => MAY_PREPEND.test(each));
  if (line === undefined) return [];
  return [
    {
      id: 'rc-not-last',
      level: isShadowed ? 'wrong' : 'note',
      title: `In ${path}, "${line.trim().slice(0, 80)}" comes after the lines of ours, and may put another directory first`,
      cost: 'Where that directory has the tools, too, they run without pyrsia',
      remedy: `pyrsia shim uninstall && ${install}`,
      fix: {
        what: `Move the lines of ours to the end of ${path}`,
        run: () => {
          settled(removeFromPath([file], directory));
          settled(addToPath([file], directory));
          return Promise.resolve(`Moved the lines of ours to the end of ${path}; new shells have them there`);
        },
      },
    },
  ];
}

function adding(file: RcFile, directory: string): Fix {
  return {
    what: `Write the lines that put ${directory} first into ${file.path}`,
    run: () => {
      settled(addToPath([file], directory));
      return Promise.resolve(`Wrote our lines into ${file.path}; new shells have them`);
    },
  };
}

/** @throws Error when the file could not be changed */
function settled([edited]: readonly Edited[]): void {
  if (edited?.outcome === 'failed') throw new Error(`cannot write ${edited.path}: ${edited.reason ?? ''}`);
}
