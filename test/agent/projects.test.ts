import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Asked, openProjects, type Projects } from '../../src/agent/projects.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { ReportLine } from '../../src/resolve/report.ts';

let directory: string;
let projects: Projects;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'pyrsia-projects-')), 'projects');
  projects = openProjects(directory);
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

const build = (poms: string, project = '/home/a/pom.xml') => ({
  local: '/nowhere',
  project,
  digest: digestOf(Buffer.from(poms), 'sha256'),
});
const line = (purl: string, outcome: ReportLine['outcome'] = 'delivered'): ReportLine => ({
  purl,
  outcome,
  via: 'response',
  word: 'declared',
  by: 'the registry',
  rung: 'registry digest',
  upstream: 'maven',
  private: false,
  ms: 1,
  at: 1,
});
const names = (asked: readonly Asked[]) =>
  asked.map(({ coordinates: { name, file }, age }) => [name, file, age]);
const A = 'pkg:maven/org.example/a@1.0?type=pom';
const B = 'pkg:maven/org.example/b@1.0?classifier=sources';

it('remembers what a build was given, in order, and nothing else', async () => {
  const first = build('1');
  expect(projects.read(first)).toEqual([]);
  const others = [line('pkg:maven/org.example/c@1.0', 'refused'), line('pkg:maven/org.example/d@1-SNAPSHOT')];
  await projects.learn(first, [], [line(B), line(A), ...others, line('pkg:npm/left@1.0.0')]);
  expect(openProjects(directory).read(first)).toEqual([
    {
      upstream: 'maven',
      age: 0,
      coordinates: {
        ecosystem: 'maven',
        name: 'org.example:b',
        version: '1.0',
        file: 'b-1.0-sources.jar',
      },
    },
    {
      upstream: 'maven',
      age: 0,
      coordinates: { ecosystem: 'maven', name: 'org.example:a', version: '1.0', file: 'a-1.0.pom' },
    },
    { upstream: 'maven', age: 0, coordinates: { ecosystem: 'npm', name: 'left', version: '1.0.0' } },
  ]);
});

it('knows the same poms wherever they lie, and a changed project by where it lies', async () => {
  await projects.learn(build('1'), [], [line(A)]);
  expect(names(projects.read(build('1', '/elsewhere/pom.xml')))).toEqual([['org.example:a', 'a-1.0.pom', 0]]);
  expect(names(projects.read(build('2')))).toEqual([['org.example:a', 'a-1.0.pom', 1]]);
  expect(projects.read(build('2', '/elsewhere/pom.xml'))).toEqual([]);
});

it('adds what another goal asks for, and forgets nothing of what is not asked for any more', async () => {
  const first = build('1');
  await projects.learn(first, [], [line(A)]);
  const before = projects.read(first);
  await projects.learn(first, before, [line(A, 'linked'), line(B)]);
  expect(names(projects.read(first))).toEqual([
    ['org.example:a', 'a-1.0.pom', 0],
    ['org.example:b', 'b-1.0-sources.jar', 0],
  ]);
  await projects.learn(first, projects.read(first), []);
  expect(projects.read(first)).toHaveLength(2);
});

it('forgets what was not asked for while a project has changed again and again', async () => {
  await projects.learn(build('0'), [], [line(A), line(B)]);
  for (let i = 1; i <= 8; i++) {
    const next = build(String(i));
    await projects.learn(next, projects.read(next), [line(A, i === 4 ? 'delivered' : 'linked')]);
  }
  expect(names(projects.read(build('8')))).toEqual([
    ['org.example:a', 'a-1.0.pom', 4],
    ['org.example:b', 'b-1.0-sources.jar', 8],
  ]);
  expect(names(projects.read(build('9')))).toEqual([['org.example:a', 'a-1.0.pom', 5]]);
});

it.each(['', '{', '{}', '[1, null, {}, {"upstream":"maven","age":0,"coordinates":null}]'])(
  'takes nothing from what is torn: %s',
  async (text) => {
    await projects.learn(build('1'), [], [line(A)]);
    const [name = ''] = readdirSync(directory);
    writeFileSync(join(directory, name), text);
    expect(projects.read(build('1'))).toEqual([]);
  },
);
