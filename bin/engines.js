/**
 * Whether Node's version `found` lies in `range`, the form of package.json's `engines.node`:
 * `^1.2.3` and `>=1` joined by `||`. Written for the Node that is too old to be supported.
 *
 * @param {string} range
 * @param {string} found
 * @returns {boolean}
 */
export function supports(range, found) {
  const version = numbers(found);
  return range.split('||').some((part) => {
    const least = numbers(part.replace(/[^\d.]/g, ''));
    const sameMajor = part.indexOf('^') < 0 || least[0] === version[0];
    return sameMajor && compare(version, least) >= 0;
  });
}

/**
 * @param {string} version
 * @returns {[number, number, number]}
 */
function numbers(version) {
  const [major, minor, patch] = version.split(/[.-]/);
  return [Number(major), Number(minor || 0), Number(patch || 0)];
}

/** @type {(a: [number, number, number], b: [number, number, number]) => number} */
function compare(a, b) {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
