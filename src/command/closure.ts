/**
 * What an artifact of Maven's depends on, as the user's own mvn computes it: of a project that has nothing but that
 * dependency it lists, with the dependency plugin of its own choice, what it resolves. All of it comes through us.
 *
 * @see https://maven.apache.org/plugins/maven-dependency-plugin/list-mojo.html
 * @module
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reference } from '../ecosystems/ecosystem.ts';
import { closurePom, resolvedIn } from '../ecosystems/maven/closure.ts';
import type { MavenRepository } from '../ecosystems/maven/mirrors.ts';
import { readPom } from '../ecosystems/maven/pom.ts';
import { PyrsiaError } from '../errors.ts';
import type { Receipt } from '../resolve/report.ts';
import type { Session } from '../session.ts';
import { runWrapped } from './run-wrapped.ts';

/** A closure, and what was fetched to know it. */
export interface Closure {
  /** References of all that belongs to it, what was asked for first. */
  readonly references: readonly string[];
  /** Of the mvn that computed it; undefined when it ran without us. */
  readonly receipt?: Receipt;
}

/**
 * Has mvn compute the closure of what `reference` names. What mvn has to say goes to stderr.
 *
 * Rejects with `CLOSURE_UNKNOWN`.
 */
export async function closureOf(session: Session, text: string, reference: Reference): Promise<Closure> {
  const unknown = (reason: string): PyrsiaError<'CLOSURE_UNKNOWN'> =>
    new PyrsiaError('CLOSURE_UNKNOWN', { what: text, reason });
  if (reference.ecosystem !== 'maven') throw unknown('only of Maven it is known who computes that');
  const directory = await mkdtemp(join(tmpdir(), 'pyrsia-closure-'));
  try {
    const [pom, list] = [join(directory, 'pom.xml'), join(directory, 'list.txt')];
    await writeFile(pom, closurePom(reference, await repositoriesAt(session.cwd)));
    const given = [`-Dmaven.repo.local=${join(directory, 'repository')}`, `-DoutputFile=${list}`];
    const run = ['mvn', '-B', '-q', '-f', pom, ...given, 'dependency:list'];
    // Without us nothing of it would be here.
    const strict = { ...session, env: { ...session.env, PYRSIA_STRICT: '1' } };
    const { code, signal, error, receipt } = await runWrapped(strict, run, { stdout: 'stderr' });
    if (error !== undefined) throw unknown(`mvn: ${error}`);
    if (code !== 0) throw unknown(`mvn ended with ${signal ?? `exit code ${code}`}`);
    const references = resolvedIn(await readFile(list, 'utf8').catch(() => ''), reference);
    if (references.length === 0) throw unknown('mvn lists nothing');
    return { references, ...(receipt && { receipt }) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The repositories of the project in a directory, where there is one. */
async function repositoriesAt(directory: string): Promise<readonly MavenRepository[]> {
  try {
    return readPom(await readFile(join(directory, 'pom.xml'), 'utf8')).repositories;
  } catch {
    return [];
  }
}
