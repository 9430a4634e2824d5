/**
 * This machine's clock against those of the registries.
 *
 * @module
 */
import { formatDuration } from '../content/format.ts';
import type { Asked } from './asked.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';

/** How far a clock may be off: 5 minutes. */
const OFF_MS = 300_000;

/** Compares the clocks. */
export async function lookAtClock(patient: Patient): Promise<readonly Finding[]> {
  return clockFinding(await patient.asked());
}

/** Only where all registries that say what time it is disagree with us is it our clock that is wrong. */
function clockFinding(asked: readonly Asked[]): Finding[] {
  const said = asked.flatMap(({ upstream: { url }, outcome }) =>
    'status' in outcome && outcome.aheadMs !== undefined ? [{ url, aheadMs: outcome.aheadMs }] : [],
  );
  const [first] = said;
  if (!first || said.some(({ aheadMs }) => Math.abs(aheadMs) <= OFF_MS)) return [];
  const { url, aheadMs } = first;
  const off = `${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'behind' : 'ahead of'}`;
  return [
    {
      id: 'clock',
      level: 'wrong',
      title: `This machine's clock is ${off} that of ${new URL(url).host}: it says ${new Date().toISOString()}`,
      cost: 'Certificates may count as expired or as not valid yet, and what is fresh as old',
      remedy: 'sudo timedatectl set-ntp true',
    },
  ];
}
