/**
 * How fetches fail, as whoever reads has to know it.
 *
 * @module
 */
import type { FetchFailure } from '../contract.ts';

/** Nobody is left who could be asked; the message says who failed how. */
export class NobodyLeft extends Error implements FetchFailure {
  override readonly name = 'NobodyLeft';
  readonly code = 'NOBODY_LEFT';
  readonly final = true;
}

/** Upstream has something else than peers say. */
export class Contradiction extends Error implements FetchFailure {
  override readonly name = 'Contradiction';
  readonly final = true;
}

/** It has, and what peers say has been passed on, for which nobody else vouches. */
export class WrongContent extends Contradiction implements FetchFailure {
  readonly wrong = true;
}
