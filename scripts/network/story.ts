/**
 * What happens in a network to try, act by act.
 *
 * @module
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../../src/content/format.ts';
import { formatVerifierKey } from '../../src/log/keys.ts';
import { readNetwork } from '../../src/trust/network-of.ts';
import type { Ground, Place } from './ground.ts';
import { type Member, openMember, writeDoor } from './member.ts';
import { openWayOut, type WayOut } from './way-out.ts';

/** The members; the last one is the client. */
const NAMES = ['one', 'two', 'three', 'four', 'client'];

/** Where an authority answers. */
const PORT = 8090;

/** What the client installs: real packages, of which one has dependencies. */
const PACKAGES = ['is-even@1.0.0', 'left-pad@1.3.0'];

/** What is submitted when one authority lies. */
const LATER = 'left-pad@1.2.0';

/** A network that runs. */
export interface RunningNetwork {
  readonly client: Member;
  /** The first one's log is the network's. */
  readonly authorities: readonly Authority[];
  readonly clientWay: WayOut;
  /** The network's file. */
  readonly policy: string;
  /** A command that runs whatever follows it as the client. */
  readonly door: string;
}

/** An authority of it. */
export interface Authority {
  readonly member: Member;
  readonly url: string;
  readonly way: WayOut;
  start(this: void): Promise<void>;
}

/** Makes four authorities, one network of them, and a client that believes it. */
export async function foundNetwork(parts: {
  readonly root: string;
  readonly ground: Ground;
  /** How npm is configured on this machine. */
  readonly npm: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  readonly open: AsyncDisposableStack;
}): Promise<RunningNetwork> {
  const { root, ground, npm, signal, open } = parts;
  const registry = npm.get('registry')!.replace(/\/*$/, '/');
  const [ca, proxy] = [npm.get('cafile'), npm.get('https-proxy') ?? npm.get('proxy')];
  const places = NAMES.map((name) => ground.place(name));
  const others = places.map(({ address }) => address).join(',');

  const settle = async (name: string, place: Place): Promise<Settled> => {
    const way = open.use(await openWayOut(ground.machine, proxy === undefined ? undefined : new URL(proxy)));
    const env = {
      HTTP_PROXY: way.url,
      HTTPS_PROXY: way.url,
      NO_PROXY: others,
      ...(ca !== undefined && { NODE_EXTRA_CA_CERTS: ca }),
    };
    const member = open.use(openMember(name, { home: join(root, name), place, env, signal }));
    return { member, way, env, place };
  };
  const key = ['--key-file', './passphrase'];
  const authority = async ({ member, way }: Settled, isFirst: boolean): Promise<Authority> => {
    const url = `http://${member.address}:${PORT}/`;
    const who = ['--organisation', `${member.name}.example`, '--url', url, '--upstream', `npm=${registry}`];
    await member.pyrsia(['authority', 'init', './authority', ...who, ...key], { shown: isFirst });
    const listen = ['--listen', `${member.address}:${PORT}`];
    const start = ['node', 'start', './authority', '--role', 'authority', ...listen, ...key];
    return { member, way, url, start: async () => member.stay(start) };
  };

  const settled: Settled[] = [];
  for (const [i, name] of NAMES.entries()) settled.push(await settle(name, places[i]!));
  const { member: client, way: clientWay, env, place } = settled.pop()!;
  const authorities = await Promise.all(settled.map(async (each, i) => authority(each, i === 0)));

  const door = join(root, 'as-client');
  writeDoor(door, { place, home: client.home, env });
  const own = { registry, ...(ca && { cafile: ca }), audit: false, fund: false, 'update-notifier': false };
  const lines = Object.entries(own).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(client.home, '.npmrc'), lines.join(''));
  const cards = authorities.map(({ member }) => join(member.home, 'authority', 'card'));
  await client.pyrsia(['network', 'create', 'net.example', ...cards]);
  const policy = join(client.home, 'net.example.policy');
  for (const { member } of authorities) cpSync(policy, join(member.home, 'authority', 'network.policy'));
  await Promise.all(authorities.map(async ({ start }) => start()));
  await client.pyrsia(['config', 'set', 'npm.public', registry], { shown: false });
  return { client, authorities, clientWay, policy, door };
}

/** A member, its way out, and what else its programs are run with. */
interface Settled {
  readonly member: Member;
  readonly way: WayOut;
  readonly env: NodeJS.ProcessEnv;
  readonly place: Place;
}

/** The client installs, and submits what it has installed; then nobody has a way out any more, and it installs again. */
export async function submitAndInstall(network: RunningNetwork): Promise<void> {
  const { client, authorities, clientWay } = network;
  const project = join(client.home, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"name":"project","version":"1.0.0"}\n');
  await client.through(['npm', 'install', ...PACKAGES], { cwd: project });

  await client.pyrsia(['network', 'join', './net.example.policy']);
  tell(
    'The authorities look at each of them, each by a way of its own; the log has what three of four have seen alike.',
  );
  for (const reference of locked(project)) await client.pyrsia(['log', 'submit', reference]);
  for (const { member, way } of authorities)
    console.log(`${member.name} has fetched ${formatBytes(way.bytes())} from its registry`);

  tell('Every way to the registry is cut, npm’s own cache is emptied.');
  for (const way of [clientWay, ...authorities.map((each) => each.way)]) way.cut();
  for (const folder of [join(client.home, 'npm'), join(project, 'node_modules')])
    rmSync(folder, { recursive: true, force: true });
  await client.through(['npm', 'ci'], { cwd: project });
}

/** The client shows why it believes one of them, and has the proof checked. */
export async function showProof({ client, authorities }: RunningNetwork): Promise<void> {
  const { url } = authorities[0]!;
  tell('What the log says of one of them, and the files with which anybody can check that.');
  await client.pyrsia(['why', 'npm:left-pad@1.3.0']);
  await client.pyrsia(['log', 'search', '--package', 'npm:left-pad']);
  const [found]: [{ index: number }] = JSON.parse(
    await client.pyrsia(['log', 'search', '--package', 'npm:left-pad', '--json'], { shown: false }),
  );
  const index = String(found.index);
  const policy = ['--policy', './net.example.policy'];
  const entry = await client.pyrsia(['log', 'show', url, index, ...policy]);
  writeFileSync(join(client.home, 'left-pad.entry'), entry);
  console.log();
  await client.pyrsia(['log', 'proof', url, index, ...policy, '-o', 'left-pad.tlog-proof']);
  await client.pyrsia(['log', 'verify', './left-pad.tlog-proof', '--entry', './left-pad.entry', ...policy]);
  await client.pyrsia(['log', 'verify', url, ...policy]);
}

/** Leaves the log in `directory` for whoever wants to check it: its files, its key, the network's file. */
export function leaveLog({ authorities, policy }: RunningNetwork, directory: string): void {
  const { member } = authorities[0]!;
  mkdirSync(directory, { recursive: true });
  rmSync(join(directory, 'log'), { recursive: true, force: true });
  cpSync(join(member.home, 'authority', 'public'), join(directory, 'log'), { recursive: true });
  cpSync(policy, join(directory, 'network.policy'));
  const [log] = readNetwork(readFileSync(policy), policy).policy.logs;
  writeFileSync(join(directory, 'log.vkey'), `${formatVerifierKey(log!.verifier)}\n`);
  tell(`The log is in ${join(directory, 'log')}, its key in ${join(directory, 'log.vkey')}`);
}

const LIAR = join(import.meta.dirname, 'liar.ts');

/** The authority whose log it is lies: about what it has seen, and then about what the log says. */
export async function showLies({ client, authorities, clientWay }: RunningNetwork): Promise<void> {
  for (const way of [clientWay, ...authorities.map((each) => each.way)]) way.restore();
  const { member: liar, url, start } = authorities[0]!;
  const home = join(liar.home, 'authority');
  const policy = ['--policy', './net.example.policy'];

  tell(
    'one.example lies: it says that it has seen other bytes. The log has both: what three have seen, and who disagrees.',
  );
  await liar.leave();
  await liar.serve([LIAR, 'registry', home, liar.address]);
  await start();
  const submitted: {
    readonly dispute: number;
  } = JSON.parse(await client.pyrsia(['log', 'submit', `npm:${LATER}`, '--json']));
  await client.pyrsia(['log', 'search', '--package', `npm:${LATER}`]);
  await client.pyrsia(['log', 'show', url, String(submitted.dispute), ...policy]);
  console.log();
  await client.pyrsia(['pull', `npm:${LATER}`]);
  await client.pyrsia(['why', `npm:${LATER}`]);

  tell(
    'Then it strikes that out, and shows a log in which it has never been caught. It signs that alone: no other cosigns it.',
  );
  await liar.leave();
  await liar.serve([LIAR, 'history', home, String(submitted.dispute), `${liar.address}:${PORT}`]);
  await client.pyrsia(['log', 'verify', url, ...policy], { code: 3 });

  tell('The client does not believe it, goes to the others, and still knows.');
  await client.pyrsia(['log', 'tail', '--fields', 'index,kind,purl,observers', '-n', '4']);
}

function tell(text: string): void {
  console.log(`\n# ${text}`);
}

/** The packages of a project's lockfile, as they are submitted. */
function locked(project: string): string[] {
  const lockfile: {
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'));
  return Object.entries(lockfile.packages).flatMap(([path, { version }]) =>
    path === ''
      ? []
      : [`npm:${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`],
  );
}
