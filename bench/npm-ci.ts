/**
 * `npm ci` of real projects, in all the ways to have it: direct, through Pyrsia with its store cold and warm, with
 * npm's own cache warm (the least that npm can take), and through others. Interleaved, in one run; the ways of a
 * round come in another order each time. npm's own cache is empty each time but where it says otherwise.
 *
 *     npm run build && node bench/npm-ci.ts [--rounds 11] [--project npm-503,npm-1648] [--npm own,12]
 *       [--way direct,floor,warm,…] [--upstream mirror|registry] [--json FILE] [--keep]
 *
 * The upstream is a mirror on this machine of the registry that npm is configured with (`npm-ci/mirror.ts`), so
 * that all rounds find the same; or that registry itself. Slow lines are ours, too (`npm-ci/line.ts`).
 *
 * Prints medians of the per-round ratios with their quartiles, CPU seconds, requests by npm's own log and by the
 * mirror's, how long filling took, the server's peak memory; and what is over its bar (`npm-ci/judge.ts`).
 * `--keep` puts the measurements into `bench/results/npm-ci.json`, in the place of earlier ones of the same
 * project and npm, and draws the README's picture of them, `docs/npm-ci.svg`.
 *
 * @module
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../test/fixtures/registry/certificate.ts';
import { configuredRegistry } from '../test/support/npm-503.ts';
import { killProcessesOf } from '../test/support/processes.ts';
import { measureRun } from './npm-ci/measure.ts';
import { openMirror } from './npm-ci/mirror.ts';
import { toolchain } from './npm-ci/npms.ts';
import { optionsOf } from './npm-ci/options.ts';
import { pictureOf } from './npm-ci/picture.ts';
import { merged, type Run } from './npm-ci/results.ts';
import { tableOf } from './npm-ci/table.ts';

const KEPT = join(import.meta.dirname, 'results', 'npm-ci.json');
const PICTURE = join(import.meta.dirname, '..', 'docs', 'npm-ci.svg');

const options = optionsOf(process.argv.slice(2));
const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-'));
const runs: Run[] = [];
let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
  void killProcessesOf(base).finally(() => process.exit(130));
});
process.once('exit', () => rmSync(base, { recursive: true, force: true }));

const registry = configuredRegistry(base);
const certificate = selfSigned();
const cafile = join(base, 'ca.pem');
writeFileSync(cafile, certificate.cert);
await using mirror = await openMirror(registry, certificate);
const upstream =
  options.upstream === 'mirror'
    ? { registry: mirror.url, mirror, authority: { pem: certificate.cert, file: cafile } }
    : { registry, mirror: undefined, authority: undefined };
const machine = `${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
for (const project of options.projects) {
  for (const npm of options.npms) {
    const dir = join(base, `${project}-${npm}`);
    mkdirSync(dir);
    const tools = await toolchain(npm, dir);
    const run = await measureRun({
      world: { base: dir, project, tools, ...upstream },
      ways: options.ways,
      rounds: options.rounds,
      machine,
    });
    if (interrupted) break; // What is left of it is not worth keeping.
    runs.push(run);
    console.log(`\n${tableOf(run)}\n`);
    await killProcessesOf(dir);
    rmSync(dir, { recursive: true, force: true });
    keep();
  }
}

/** Keeps what is measured so far, as it was asked for. */
function keep(): void {
  if (options.json !== undefined) write(options.json, runs);
  if (!options.keep) return;
  const earlier = existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Run[]) : [];
  const kept = merged(earlier, runs);
  write(KEPT, kept);
  writeFileSync(PICTURE, pictureOf(kept));
}

function write(file: string, measured: readonly Run[]): void {
  writeFileSync(file, `${JSON.stringify(measured, undefined, 1)}\n`);
}
