/**
 * How a believed checkpoint is told.
 *
 * @module
 */
import { encodeBase64 } from '../log/text.ts';
import type { ProvenCheckpoint } from '../log/policy.ts';

/** A checkpoint as `--json` shows it. */
export interface ToldCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** Base64, as in the checkpoint. */
  readonly root: string;
  /** The name of the key that the log has signed it with. */
  readonly log: string;
  /** `time`: seconds since 1970. */
  readonly cosignatures: readonly { readonly name: string; readonly time: number }[];
}

/** A checkpoint in words and as a value. */
export function toldCheckpoint({ origin, size, root, log, cosignatures }: ProvenCheckpoint): {
  readonly rows: (readonly [string, string])[];
  readonly value: ToldCheckpoint;
} {
  const value = {
    origin,
    size: Number(size),
    root: encodeBase64(root),
    log: log.name,
    cosignatures: cosignatures.map(({ by, time = 0n }) => ({ name: by.name, time: Number(time) })),
  };
  const said = value.cosignatures.map(({ name, time }) => `${name} (${dateOf(time)})`);
  return {
    value,
    rows: [
      ['log', origin],
      ['size', String(size)],
      ['root', value.root],
      ['signed by', value.log],
      ['cosigned by', said.join(', ') || 'nobody whom you know'],
    ],
  };
}

/** A time of day, unless it is beyond what a calendar holds. */
function dateOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.valueOf()) ? `${seconds} s after 1970` : date.toISOString().replace('.000Z', 'Z');
}
