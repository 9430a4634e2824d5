/**
 * What npm takes for a dist-tag. Apart from names and versions, since it takes knowing what a range is.
 *
 * @module
 */
import semver from 'semver';

/** Whether this can be a dist-tag; npm refuses whatever reads as a range. */
export function isTag(text: string): boolean {
  return /^[A-Za-z][\w.+~!*'()-]*$/.test(text) && semver.validRange(text, { loose: true }) === null;
}
