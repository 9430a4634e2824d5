/**
 * How many entries a second become part of a log, and how long it takes until one is final, with so many authorities on this
 * machine, each a process of its own that judges and keeps every entry. Each entry has the signatures of five observers, or of
 * all where there are fewer.
 *
 *     npm run build && node bench/log.ts [authorities…] [--entries N]
 *
 * Prints entries per second, the processor time that each takes of all authorities together, the time to a final checkpoint
 * (median and 95th percentile) when one entry comes at a time, and the disk that a million entries would take.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createHome, homeFiles } from '../src/authority/home.ts';
import type { AuthorityKeys } from '../src/authority/keys.ts';
import { formatEntry } from '../src/log/entry.ts';
import { quorumOf } from '../src/log/network-file.ts';
import { observe, observeStatement } from '../src/log/observation.ts';
import { freePort } from '../test/support/free-port.ts';

const { values, positionals } = parseArgs({
  options: { entries: { type: 'string', default: '5000' } },
  allowPositionals: true,
});
const entries = Number(values.entries);
const sizes = positionals.length > 0 ? positionals.map(Number) : [1, 4, 7];

/** How many submissions are under way at once, and how many are made one after the other for the time that one takes. */
const UNDER_WAY = 900;
const ALONE = 15;

const PASSPHRASE = 'a passphrase of this bench';
const root = join(import.meta.dirname, '..');
const agent = new Agent({ keepAlive: true, maxSockets: UNDER_WAY });

for (const n of sizes) {
  const base = mkdtempSync(join(tmpdir(), 'bench-log-'));
  const running: ChildProcess[] = [];
  try {
    const keyFile = join(base, 'passphrase');
    writeFileSync(keyFile, `${PASSPHRASE}\n`, { mode: 0o600 });
    const members: { directory: string; url: string; card: string; keys: AuthorityKeys }[] = [];
    for (let i = 0; i < n; i++) {
      const name = `a${i + 1}.example`;
      const url = `http://127.0.0.1:${await freePort()}/`;
      const directory = join(base, name);
      members.push({
        directory,
        url,
        ...(await createHome(directory, PASSPHRASE, {
          organisation: name,
          log: `${name}/log`,
          url,
          upstreams: {},
        })),
      });
    }
    const cards = members.map(({ card }) =>
      Object.fromEntries(card.split('\n').map((line) => line.split(' '))),
    );
    const policy = [
      ...cards.map((card) => `# pyrsia observer ${card['organisation']} ${card['attest']}`),
      `log ${cards[0]!['log']} ${cards[0]!['url']}`,
      ...cards.map((card) => `witness ${card['organisation']} ${card['cosign']} ${card['url']}`),
      `group authorities ${quorumOf(n)} ${cards.map((card) => card['organisation']).join(' ')}`,
      'quorum authorities',
      '',
    ].join('\n');
    for (const { directory, url } of members) {
      writeFileSync(homeFiles(directory).network, policy);
      const args = ['node', 'start', directory, '--role', 'authority', '--key-file', keyFile];
      const listen = ['--listen', new URL(url).host];
      const child = spawn(process.execPath, [join(root, 'bin', 'run.js'), ...args, ...listen], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      running.push(child);
      await once(child.stderr, 'data');
    }
    const observers = members.map(({ keys }) => keys).slice(0, 5);
    const made = Array.from({ length: entries + ALONE }, (_, i) => observation(i, observers));
    const at = new URL('entry', members[0]!.url);

    const alone: number[] = [];
    for (const entry of made.slice(0, ALONE)) {
      const startedAt = performance.now();
      await post(at, entry);
      alone.push(performance.now() - startedAt);
    }
    alone.sort((a, b) => a - b);

    const rest = made.slice(ALONE);
    const before = running.map(cpuSecondsOf);
    const startedAt = performance.now();
    let next = 0;
    await Promise.all(
      Array.from({ length: UNDER_WAY }, async () => {
        while (next < rest.length) await post(at, rest[next++]!);
      }),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const cpu = running.map((each, i) => ((cpuSecondsOf(each) - before[i]!) / rest.length) * 1000);
    await stopped(running);
    const disk = ['public', 'said.sqlite'].map((name) => bytesOf(join(members[0]!.directory, name)));
    const perMillion = disk.map((bytes) => ((bytes / made.length) * 1e6) / 1e9);
    console.log(
      [
        `${n} authorities, quorum ${quorumOf(n)}, entries of ${made[0]!.byteLength} bytes with ${observers.length} signatures:`,
        `${(rest.length / seconds).toFixed(0)} entries/s (${rest.length} in ${seconds.toFixed(1)} s, ${UNDER_WAY} under way)`,
        `${sumOf(cpu).toFixed(1)} ms of processor time an entry: ${cpu[0]!.toFixed(1)} of who orders, ${(sumOf(cpu.slice(1)) / Math.max(1, n - 1)).toFixed(1)} of each other`,
        `final after ${alone[Math.floor(ALONE / 2)]!.toFixed(0)} ms (95 %: ${alone[Math.floor(ALONE * 0.95)]!.toFixed(0)} ms), one at a time`,
        `disk of a million entries: ${perMillion[0]!.toFixed(2)} GB log and index, ${perMillion[1]!.toFixed(2)} GB look-ups`,
      ].join('\n  '),
    );
  } finally {
    await stopped(running);
    rmSync(base, { recursive: true });
  }
}
agent.destroy();

/** Ends what still runs. */
async function stopped(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

/** What the observers have seen of package `i`. */
function observation(i: number, observers: readonly AuthorityKeys[]): Uint8Array {
  const name = createHash('sha256').update(`${i}`).digest('hex').slice(0, 12);
  const place = {
    purl: `pkg:npm/package-${name}@1.0.${i % 100}`,
    upstream: 'npm',
    file: `package-${name}-1.0.${i % 100}.tgz`,
  };
  const hex = (algorithm: string): string => createHash(algorithm).update(`${i}`).digest('hex');
  const sighting = {
    digest: { sha256: hex('sha256'), sha512: hex('sha512') },
    size: 12_345 + i,
    mediaType: 'application/gzip',
    observedAt: Math.floor(Date.now() / 1000),
    chunks: { size: 2 ** 20, root: hex('sha256') },
  };
  const signed = observers.map(({ attest }) => observe(place, sighting, attest));
  return formatEntry(observeStatement({ ...place, ...sighting, observers: signed }));
}

async function post(url: URL, body: Uint8Array): Promise<void> {
  const asked = request(url, { method: 'POST', agent, headers: { 'content-length': body.byteLength } });
  asked.end(body);
  const [reply] = await once(asked, 'response');
  let text = '';
  for await (const chunk of reply) text += String(chunk);
  if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}: ${text}`);
}

/** Processor time that a process has taken: Linux counts it in hundredths of a second. */
function cpuSecondsOf({ pid }: ChildProcess): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function bytesOf(path: string): number {
  return Number(execFileSync('du', ['-sB1', path]).toString().split('\t')[0]);
}
