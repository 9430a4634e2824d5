/**
 * All checks at once, none of which can hold up or spoil the others.
 *
 * @module
 */
import { once } from 'node:events';
import { CHECKS } from './checks.ts';
import { type Check, type Finding, type Group, GROUPS } from './finding.ts';
import { type Examination, patientOf } from './patient.ts';

/** How long one check may take, in milliseconds. */
const CHECK_MS = 8_000;

/** What was found, in the order of the groups. */
export interface Examined {
  readonly findings: readonly Finding[];
  /** Groups in which nothing was found. */
  readonly sound: readonly Group[];
}

/** Looks at everything. A check that fails, or takes too long, becomes a finding. Never rejects. */
export async function examine(
  examination: Examination,
  { checks = CHECKS, timeoutMs = CHECK_MS }: { checks?: readonly Check[]; timeoutMs?: number } = {},
): Promise<Examined> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const patient = patientOf(examination, late.signal);
  const looked = await Promise.all(
    checks.map(async (check) => ({ ...check, findings: await looking(check) })),
  );
  clearTimeout(timer);

  const groups = Object.keys(GROUPS).filter(isGroup);
  const inGroup = (group: Group): Finding[] =>
    looked.flatMap((each) => (each.group === group ? each.findings : []));
  return {
    findings: groups.flatMap(inGroup),
    sound: groups.filter((group) => inGroup(group).length === 0),
  };

  async function looking(check: Check): Promise<readonly Finding[]> {
    try {
      const over = once(late.signal, 'abort').then(() => [
        failed(check, `it took more than ${timeoutMs} ms`),
      ]);
      return await Promise.race([check.look(patient), over]);
    } catch (error) {
      return [failed(check, error instanceof Error ? error.message : String(error))];
    }
  }
}

function isGroup(name: string): name is Group {
  return Object.hasOwn(GROUPS, name);
}

function failed({ name }: Check, reason: string): Finding {
  return {
    id: 'check-failed',
    level: 'wrong',
    title: `The check "${name}" could not be made: ${reason}`,
    cost: 'Whether that is as it should be is not known',
    remedy: 'pyrsia doctor',
  };
}
