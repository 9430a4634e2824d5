// What a stand-in starts where sh alone cannot decide; its arguments are the shell, the tool's name, the real
// tool, and what the user gave. No syntax and no import here that Node 12 lacks: that one, too, runs the tool.
import module from 'module';
import { supports } from './engines.js';

const require = module.createRequire(import.meta.url);
const { existsSync, readFileSync, writeSync } = require('fs');
const { fileURLToPath } = require('url');

const root = new URL('..', import.meta.url);
const client = new URL('dist/shim.cjs', root);
const { version, engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

if (!supports(engines.node, process.versions.node)) {
  runWithout('pyrsia needs Node ' + engines.node + ', this is ' + process.versions.node);
} else if (!existsSync(client)) {
  runWithout('pyrsia is not built: npm run build');
} else if (process.platform === 'win32') {
  // A process cannot give its place to another there, so this one waits for the tool, as `pyrsia exec` does.
  import(new URL('dist/main.js', root).href).then(
    ({ main }) => main(['exec', '--', process.argv[3]].concat(process.argv.slice(5))),
    runWithout,
  );
} else {
  try {
    require('./compile-cache.cjs').enable();
    const { main } = require(fileURLToPath(client));
    main(process.argv.slice(2), { version, root: fileURLToPath(root) }).catch(runWithout);
  } catch (error) {
    runWithout(error); // It is being replaced by another version at this moment.
  }
}

/** @param {unknown} reason */
function runWithout(reason) {
  const [, , , tool, executable, ...args] = process.argv;
  const isStrict = process.env['PYRSIA_STRICT'] === '1';
  const outcome = isStrict ? ' is not run, since PYRSIA_STRICT=1' : ' runs without pyrsia (pyrsia doctor)';
  try {
    // The client has taken process.stderr away.
    writeSync(2, 'pyrsia: ' + reason + '; ' + tool + outcome + '\n');
  } catch {
    // Nobody listens.
  }
  if (isStrict || !executable) process.exit(125);
  for (const name of ['NODE_OPTIONS', 'PYRSIA']) {
    const before = process.env['PYRSIA_WAS_' + name];
    if (before !== undefined) process.env[name] = before;
    delete process.env['PYRSIA_WAS_' + name];
  }
  const { status, signal } = require('child_process').spawnSync(executable, args, { stdio: 'inherit' });
  if (signal) process.kill(process.pid, signal);
  process.exit(status === null ? 127 : status);
}
