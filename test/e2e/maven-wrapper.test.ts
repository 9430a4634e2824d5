import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MavenRepository, startMavenRepository } from '../support/maven-repository.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const AT = '/org/apache/maven/apache-maven/9.9.9/apache-maven-9.9.9-bin.zip';

let sandbox: Sandbox;
let right: MavenRepository;
let other: MavenRepository;

beforeAll(async () => {
  sandbox = openSandbox();
  [right, other] = [await startMavenRepository(), await startMavenRepository()];
  for (const [repository, who] of [
    [right, 'the right one'],
    [other, 'somebody else’s'],
  ] as const)
    repository.put(AT, Buffer.from(zipSync({ 'apache-maven-9.9.9/who': strToU8(who) })));
});
afterAll(async () => {
  await right[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
});

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o755 });
}

describe('mvnw', { timeout: 60_000 }, () => {
  it('has its Maven from where its address says, whoever else of the project’s repositories has one of that name', async () => {
    const project = join(sandbox.root, 'project');
    const place = join(sandbox.root, 'wrapped');
    write(
      join(project, 'mvnw'),
      '#!/bin/sh\n# hash_string()\ncat "$MAVEN_USER_HOME"/wrapper/dists/*/*/who\n',
    );
    const properties = join(project, '.mvn', 'wrapper', 'maven-wrapper.properties');
    write(properties, `distributionUrl=${right.url.replace(/\/$/, '')}${AT}\n`);
    const repository = `<repository><id>other</id><url>${other.url}</url></repository>`;
    write(join(project, 'pom.xml'), `<project><repositories>${repository}</repositories></project>`);
    const { code, stdout, stderr } = await sandbox.pyrsia(['exec', '--', './mvnw', 'validate'], {
      cwd: project,
      env: { MAVEN_USER_HOME: place, MAVEN_OPTS: `-Duser.home=${sandbox.home}` },
    });
    expect([code, stdout], stderr).toEqual([0, 'the right one']);
    expect(other.requests).not.toContain(AT);
  });
});
