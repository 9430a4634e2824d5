// Code that is compiled already is kept where only its user can write. No syntax here that Node 12 lacks.
const { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } = require('fs');
const { enableCompileCache } = require('module');
const { homedir, userInfo } = require('os');
const path = require('path');

/** Starts to keep what is compiled from now on, and to use what is kept. */
exports.enable = function enable() {
  try {
    const directory = place();
    try {
      make(directory);
    } catch {
      // A home that cannot be written: nothing is kept.
    }
    // Under sudo it may be another user's, who could plant code there, too.
    if (!process.getuid || statSync(directory).uid === process.getuid()) enableCompileCache(directory);
  } catch {
    // There is no such directory, or a user of whom the system knows no home.
  }
};

// Node's own default lies in the shared temporary directory, where another user could plant code for us to run.
function place() {
  const { LOCALAPPDATA = '', XDG_CACHE_HOME = '' } = process.env;
  const own = [XDG_CACHE_HOME, LOCALAPPDATA].find((each) => path.isAbsolute(each));
  // Nor may it lie in a project, whose author could do the same.
  const home = path.isAbsolute(homedir()) ? homedir() : userInfo().homedir;
  return path.join(own || path.join(home, '.cache'), 'pyrsia-compiled');
}

/**
 * As `makeOurs` in src/ours.ts makes a directory: with a record of what was made, for whoever leaves.
 *
 * @param {string} directory
 */
function make(directory) {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  const record = path.join(directory, '.made-by-pyrsia');
  if (first === undefined && (existsSync(record) || readdirSync(directory).length > 0)) return;
  writeFileSync(record, first === undefined ? '' : levels(first, directory), { mode: 0o600, flag: 'a' });
}

/**
 * From `directory` up to `first`, one a line, relative to `directory`.
 *
 * @param {string} first
 * @param {string} directory
 */
function levels(first, directory) {
  let lines = '.\n';
  for (let at = directory, up = '..'; at.length > first.length; at = path.dirname(at), up += '/..') {
    lines += up + '\n';
  }
  return lines;
}
