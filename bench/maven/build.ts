/**
 * Builds as they are measured: by mvn alone, and through us.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inNamespaceWithoutNetwork } from '../../test/support/network.ts';
import type { Home } from '../npm-ci/place.ts';
import { ownHome } from '../own-home.ts';
import { spent, stopAgent, withStandIns } from '../npm-ci/pyrsia.ts';
import { writeProject } from './project.ts';
import type { Sample } from './results.ts';

const run = promisify(execFile);

/** What mvn is asked to do. Tests of the project would measure the project. */
const BUILD = ['-B', '-q', '-Dstyle.color=never', '-DskipTests', 'package'];

/** Where mvn is run: a home, a project, and a local repository. */
export interface Place extends Home {
  readonly project: string;
  readonly local: string;
}

/** A home in `directory`, for whose mvn `repository` stands for the central one. */
function placeAt(directory: string, repository: string | undefined): Place {
  const home = { env: ownHome(directory) };
  const mirror = `<mirror><id>central</id><mirrorOf>central</mirrorOf><url>${repository}</url></mirror>`;
  mkdirSync(join(directory, 'home', '.m2'), { recursive: true });
  writeFileSync(
    join(directory, 'home', '.m2', 'settings.xml'),
    `<settings>${repository === undefined ? '' : `<mirrors>${mirror}</mirrors>`}</settings>`,
  );
  const { JAVA_HOME: java } = process.env;
  const project = join(directory, 'project');
  writeProject(project);
  return {
    env: {
      ...home.env,
      MAVEN_OPTS: `-Duser.home=${join(directory, 'home')}`,
      ...(java === undefined ? {} : { JAVA_HOME: java }),
    },
    project,
    local: join(directory, 'local'),
  };
}

/** How a build runs. */
interface BuildOptions {
  /** The local repository is as the last build has left it, and nobody is asked. */
  readonly keepLocal?: boolean;
  /** Where there is no network. */
  readonly cut?: boolean;
}

/** Builds the project anew. The shell counts the CPU time of what it has waited for. Rejects when that fails. */
async function timed({ env, project, local }: Place, { keepLocal, cut }: BuildOptions): Promise<Sample> {
  if (!keepLocal) rmSync(local, { recursive: true, force: true });
  for (const target of globSync('*/target', { cwd: project }))
    rmSync(join(project, target), { recursive: true });
  const script = `TIMEFORMAT='%3R %3U %3S'; time { "$@" >&2; }`;
  const mvn = ['mvn', `-Dmaven.repo.local=${local}`, ...(keepLocal ? ['-o'] : []), ...BUILD];
  const command = ['bash', '-c', script, 'bash', ...mvn] as const;
  const [program, ...args] = cut ? inNamespaceWithoutNetwork(command) : command;
  const { stderr } = await run(program, args, {
    cwd: project,
    env,
    maxBuffer: 2 ** 26,
  });
  // Maven may have left the terminal's colours before it.
  const [, ...times] = /([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(stderr) ?? [];
  const [seconds = NaN, user = NaN, system = NaN] = times.map(Number);
  return { seconds, cpu: user + system };
}

/** A build that can be measured again and again; once before it counts, for what is to be warm. */
export interface Build {
  measure(): Promise<Sample>;
  /** Where its local repository lies, if that is the same each time. */
  readonly local?: string;
}

/** With nothing of ours between mvn and `repository`. */
export function plain(directory: string, repository: string | undefined, keepLocal = false): Build {
  const place = placeAt(directory, repository);
  let isFull = false;
  return {
    local: place.local,
    async measure() {
      const sample = await timed(place, { keepLocal: keepLocal && isFull });
      isFull = true;
      return sample;
    },
  };
}

/** Measures what a server takes along with a build. */
export async function withServer(
  measure: () => Promise<Sample>,
  spentSoFar: () => Promise<NonNullable<Sample['server']>>,
): Promise<Sample> {
  const before = await spentSoFar();
  const sample = await measure();
  const { cpu, peakRss } = await spentSoFar();
  return { ...sample, server: { cpu: cpu - before.cpu, peakRss } };
}

/** Through us, with everything in our store, and the agent running; `cut`: without a network, where another agent reads it. */
export async function warm(
  directory: string,
  repository: string | undefined,
  open: AsyncDisposableStack,
  cut = false,
): Promise<Build> {
  const place = await withStandIns(placeAt(directory, repository), 'mvn');
  open.defer(async () => stopAgent(place));
  await timed(place, {}); // Starts the agent, which then has it all.
  return {
    measure: async () =>
      cut
        ? timed(place, { cut })
        : withServer(
            async () => timed(place, {}),
            async () => spent(place),
          ),
  };
}

/** Through us, with the agent running, and nothing in its store: a new one each time. */
export function cold(directory: string, repository: string | undefined): Build {
  let count = 0;
  return {
    async measure() {
      const own = `${directory}-${(count += 1)}`;
      const place = await withStandIns(placeAt(own, repository), 'mvn');
      try {
        await startAgent(place);
        return await withServer(
          async () => timed(place, {}),
          async () => spent(place),
        );
      } finally {
        await stopAgent(place);
        rmSync(own, { recursive: true, force: true });
      }
    },
  };
}

/** A project without anything is led, and nothing is fetched for it. */
async function startAgent(place: Place): Promise<void> {
  const empty = join(place.project, '..', 'empty');
  mkdirSync(empty);
  writeFileSync(
    join(empty, 'pom.xml'),
    '<project><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId><artifactId>empty</artifactId><version>1</version><packaging>pom</packaging></project>',
  );
  await run('mvn', ['-B', '-q', `-Dmaven.repo.local=${place.local}`, 'validate'], {
    cwd: empty,
    env: place.env,
  });
}
