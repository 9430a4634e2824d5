import { isPyrsiaError } from '../../src/errors.ts';

/** One reader. */
export interface Target {
  readonly name: string;
  /** Well-formed examples, from which others are made. */
  readonly seeds: readonly Uint8Array[];
  /** Reads; throws one of our errors, or anything else for a finding. */
  readonly read: (bytes: Uint8Array) => void;
}

/** How reading ended: `read`, or the code of our error. Throws what is no error of ours. */
export function outcomeOf({ read }: Target, bytes: Uint8Array): string {
  try {
    read(bytes);
    return 'read';
  } catch (error) {
    if (!isPyrsiaError(error)) throw error;
    return error.code;
  }
}
