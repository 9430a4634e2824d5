/**
 * What an artifact depends on, as the user's own tool computes it: of a project that has nothing but that dependency it lists
 * what it resolves. All of it comes through us.
 *
 * @module
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ecosystems, parseReference } from '../ecosystems/index.ts';
import { PyrsiaError } from '../errors.ts';
import type { Receipt } from '../resolve/report.ts';
import type { Session } from '../session.ts';
import { runWrapped } from './run-wrapped.ts';

/** A closure, and what was fetched to know it. */
export interface Closure {
  /** References of all that belongs to it, what was asked for first. */
  readonly references: readonly string[];
  /** Of the tool that computed it; undefined when it ran without us. */
  readonly receipt?: Receipt;
}

/** Where the tool puts its list. */
const LIST = 'list.txt';

/**
 * Has the tool compute the closure of what `text` names. What it has to say goes to stderr.
 *
 * Rejects with `CLOSURE_UNKNOWN`, `REFERENCE_MALFORMED`.
 */
export async function closureOf(session: Session, text: string): Promise<Closure> {
  const unknown = (reason: string): PyrsiaError<'CLOSURE_UNKNOWN'> =>
    new PyrsiaError('CLOSURE_UNKNOWN', { what: text, reason });
  const { ecosystem, reference } = await parseReference(text);
  const { closure } = ecosystem;
  if (!closure) {
    const known = ecosystems.filter((each) => each.closure).map(({ name }) => `${name}:`);
    throw unknown(`only of ${known.join(', ')} it is known who computes that`);
  }
  const directory = await mkdtemp(join(tmpdir(), 'pyrsia-closure-'));
  const pathOf = (file: string): string => join(directory, file);
  try {
    const manifest = await readFile(join(session.cwd, closure.manifest), 'utf8').catch(() => undefined);
    for (const [file, content] of Object.entries(closure.project(reference, manifest)))
      await writeFile(pathOf(file), content);
    const command = closure.command(pathOf, LIST);
    const [tool = ''] = command;
    // Without us nothing of it would be here.
    const strict = { ...session, env: { ...session.env, PYRSIA_STRICT: '1' } };
    const { code, signal, error, receipt } = await runWrapped(strict, command, { stdout: 'stderr' });
    if (error !== undefined) throw unknown(`${tool}: ${error}`);
    if (code !== 0) throw unknown(`${tool} ended with ${signal ?? `exit code ${code}`}`);
    const references = closure.resolved(await readFile(pathOf(LIST), 'utf8').catch(() => ''), reference);
    if (references.length === 0) throw unknown(`${tool} lists nothing`);
    return { references, ...(receipt && { receipt }) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
