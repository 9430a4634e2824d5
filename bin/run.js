#!/usr/bin/env node
// Answers what needs no program, so that `pyrsia --version` costs nothing and an old Node gets a sentence
// instead of a syntax error. Hence no syntax and no import here that Node 12 lacks.
import module from 'module';
import { supports } from './engines.js';

// By require, because Node makes the façade that an import of fs needs of everything that fs can do.
const require = module.createRequire(import.meta.url);
const { existsSync, readFileSync } = require('fs');

/** @param {string} path */
const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
/** @param {string} path */
const built = (path) => new URL('../dist/' + path, import.meta.url);

const { version, engines } = read('../package.json');

if (!supports(engines.node, process.versions.node)) {
  fail('pyrsia needs Node ' + engines.node + ', this is ' + process.versions.node);
} else if (!existsSync(built('main.js'))) {
  fail('pyrsia is not built: npm run build');
} else if (process.argv[2] === '--version') {
  const { commit } = read('../dist/build.json');
  const program = 'pyrsia/' + version + (commit ? '+' + commit : '');
  console.log(program + ' ' + process.platform + '-' + process.arch + ' node-' + process.version);
} else {
  require('./compile-cache.cjs').enable();
  import(built('main.js').href).then(({ main }) => main(process.argv.slice(2)), fail);
}

/** @param {unknown} message */
function fail(message) {
  process.stderr.write(message + '\n');
  process.exitCode = 1;
}
