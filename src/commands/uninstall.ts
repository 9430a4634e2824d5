import { dirname, join, sep } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { type Departure, leave, lookAround, type Presence } from '../command/leaving.ts';
import { listed } from '../command/path-talk.ts';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { confirmed } from '../command/talk.ts';
import { formatBytes } from '../content/format.ts';
import type { Session } from '../session.ts';
import { type ShimPlace, shimPlace } from '../shims/shim-files.ts';

/** What was taken back. */
interface Uninstalled extends Departure {
  /** What removes the program itself. */
  readonly next: string;
}

export default class Uninstall extends PyrsiaCommand {
  static override summary = 'Leave: take back whatever pyrsia has done to this machine';
  static override description =
    'Removes shims and the lines in files of your shell, which are byte for byte what they were before, and ends running agents. ' +
    'With --purge also the cache, settings and everything else that pyrsia keeps: nothing of it is left in your home then. ' +
    'What was there before pyrsia, or is not its own, stays; what cannot be removed is named, and the exit code is 1.\n\n' +
    'It says first what it is about to do, and asks; without a terminal it wants --yes.';
  static override examples = ['<%= config.bin %> uninstall', '<%= config.bin %> uninstall --purge --yes'];
  static override flags = {
    purge: Flags.boolean({ summary: 'also what is kept: cache, state, settings, compiled code' }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
  };

  async run(): Promise<Uninstalled> {
    const { flags } = await this.parse(Uninstall);
    const place = await this.announce(flags.purge);
    if (!flags.yes && !(await confirmed('Go on?')))
      this.error('Nothing was removed: confirm, or give --yes', { exit: 2 });

    const departure = await leave(place, flags);
    const { shims, files, agents, left } = departure;
    for (const { path, kept = [] } of files)
      if (kept.length > 0)
        this.say(`${path} keeps what somebody wrote between our lines:\n${kept.join('\n')}`);
    for (const { directory, pids } of agents.filter(({ end }) => end === 'killed'))
      this.say(`The agent of ${directory} (pid ${pids.join(', ')}) did not answer and was killed`);
    for (const { path, reason } of left) this.say(`${path} stays: ${reason}`);
    if (left.length > 0) process.exitCode = 1;
    if (shims.length > 0)
      this.say('Shells that are running have to forget where shims were: hash -r, or a new shell');
    const next = removalOf(this.config.root);
    this.say(`To remove the program itself: ${next}`);
    return { ...departure, next };
  }

  /** Says what is about to be done. Whatever it has opened is closed then. */
  private async announce(purge: boolean): Promise<ShimPlace> {
    await using session = this.openSession();
    const { paths, env, cwd } = session;
    const place = shimPlace(paths, env, cwd, this.config.root);
    intentions(await lookAround(place), purge, await cacheSize(session)).forEach((line) => this.say(line));
    return place;
  }
}

/** What is about to be done, a sentence each. */
function intentions(presence: Presence, purge: boolean, cache: number | undefined): string[] {
  const { shims, files, agents, directories } = presence;
  const launches = agents.reduce((sum, agent) => sum + (agent.launches ?? 0), 0);
  const size = cache === undefined ? '' : `, ${formatBytes(cache)}`;
  const kept = directories.map(({ what, path }) => `${path} (${what}${what === 'cache' ? size : ''})`);
  const lines = [
    shims.length > 0 ? `Removes the shims of ${listed(shims)}` : undefined,
    files.length > 0 ? `Takes our lines out of ${listed(files)}` : undefined,
    ending(agents.flatMap(({ pids }) => pids)),
    launches > 0
      ? `${launches} ${launches === 1 ? 'command is' : 'commands are'} running through it and may fail`
      : undefined,
    ...(purge ? kept.map((each) => `Deletes ${each}`) : []),
    !purge && kept.length > 0 ? `Keeps ${listed(kept)}: --purge deletes them as well` : undefined,
  ].filter((line) => line !== undefined);
  return lines.length > 0 ? lines : ['There is nothing of pyrsia here but the program'];
}

function ending(pids: readonly number[]): string | undefined {
  if (pids.length === 0) return undefined;
  return `Ends the ${pids.length === 1 ? 'agent' : 'agents'} (pid ${pids.join(', ')})`;
}

/** What the cache takes on the disk; undefined where that cannot be told. */
async function cacheSize(session: Session): Promise<number | undefined> {
  try {
    return (await session.cache()).size().diskBytes;
  } catch {
    return undefined;
  }
}

/** How the program that lies in `root` is removed. */
function removalOf(root: string): string {
  const { platform, execPath } = process;
  const modules = platform === 'win32' ? 'node_modules' : join('lib', 'node_modules');
  const prefix = root.endsWith(join(sep, modules, 'pyrsia'))
    ? root.slice(0, -join(sep, modules, 'pyrsia').length)
    : undefined;
  if (prefix === undefined) return `delete ${root}`;
  const isDefault = dirname(execPath) === (platform === 'win32' ? prefix : join(prefix, 'bin'));
  return `npm rm -g pyrsia${isDefault ? '' : ` --prefix ${/^[\w./@+-]+$/.test(prefix) ? prefix : `'${prefix}'`}`}`;
}
