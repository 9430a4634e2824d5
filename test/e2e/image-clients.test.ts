/**
 * What of real clients' commands goes through us, seen by the registry; the table of docs/images.md is made of that.
 * `UPDATE_TABLE=1` writes it anew.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Front } from '../support/image-registry.ts';
import type { Sandbox } from '../support/sandbox.ts';
import { canUseAllClients, type ClientsWorld, openClientsWorld } from './clients-world.ts';

const PAGE = 'docs/images.md';
/** Between these lines of it. */
const MADE = /(?<=<!-- made by test\/e2e\/image-clients\.test\.ts -->\n\n)[^]*?(?=<!-- end -->\n)/;

/**
 * Commands as they are typed. IMAGE, FILE and DIR stand for something new each time: an image's name with its
 * registry and tag, a Containerfile that begins with one, a directory. REGISTRY is the registry of all of them, HOSTS a
 * directory whose `_default/hosts.toml` names us.
 */
const commands: Readonly<Record<string, readonly string[]>> = {
  podman: [
    'podman pull IMAGE',
    'podman create IMAGE true',
    'podman run IMAGE true',
    'podman build --isolation chroot -f FILE DIR',
    'podman push --tls-verify=false IMAGE',
    'podman login --tls-verify=false -u me -p secret REGISTRY',
  ],
  buildah: [
    'buildah pull IMAGE',
    'buildah from IMAGE',
    'buildah bud --isolation chroot -f FILE DIR',
    'buildah push --tls-verify=false IMAGE',
  ],
  skopeo: [
    'skopeo copy docker://IMAGE dir:DIR',
    'skopeo copy --dest-tls-verify=false docker://IMAGE docker://IMAGE-copy',
    'skopeo inspect docker://IMAGE',
    'skopeo list-tags docker://IMAGE',
    'skopeo sync --src docker --dest dir IMAGE DIR',
    'skopeo delete --tls-verify=false docker://IMAGE',
    'skopeo --registries-conf /dev/null copy --src-tls-verify=false docker://IMAGE dir:DIR',
  ],
  ctr: [
    'ctr images pull IMAGE',
    'ctr content fetch IMAGE',
    'ctr images pull --hosts-dir HOSTS IMAGE',
    'ctr images pull --plain-http IMAGE',
    'ctr images push --plain-http IMAGE-copy IMAGE',
  ],
  docker: [
    'docker pull IMAGE',
    'docker create IMAGE true',
    'docker run --rm --network none IMAGE true',
    'docker build --network none -f FILE DIR',
    'docker push IMAGE',
    'docker login -u me -p secret REGISTRY',
  ],
};

/** Who asked for what, as a registry sees it. */
interface Seen {
  readonly byUs: ReadonlySet<string>;
  readonly byTool: ReadonlySet<string>;
}

describe.skipIf(!canUseAllClients)('Clients of image registries', () => {
  let world: ClientsWorld;
  let sandbox: Sandbox;
  let env: Record<string, string>;
  let front: Front;
  let asked: { us: boolean; what: string }[];
  const configs = new Set<string>();

  beforeAll(async () => {
    world = await openClientsWorld();
    ({ sandbox, env, front } = world);
    asked = [];
    front.instead = ({ method = '', url = '', headers }) => {
      const tool = /^(?:skopeo|containers|libpod|podman|buildah|containerd|docker|moby)\b/i.test(
        headers['user-agent'] ?? '',
      );
      const what = kindOf(method, url, configs);
      if (what !== undefined) asked.push({ us: !tool, what });
      return false;
    };
  }, 120_000);
  afterAll(() => world?.[Symbol.asyncDispose]());

  let images = 0;

  /** What a user of containerd's may have, so that its clients ask us without a shim. */
  async function hostsDirectory(): Promise<string> {
    const { stdout } = await sandbox.pyrsia(['agent', 'status', '--json'], { env });
    const { ports } = JSON.parse(stdout) as { ports: Record<string, number> };
    mkdirSync(join(sandbox.root, 'hosts/_default'), { recursive: true });
    const text = `[host."http://127.0.0.1:${ports['images']}"]\ncapabilities = ["pull", "resolve"]\n`;
    writeFileSync(join(sandbox.root, 'hosts/_default/hosts.toml'), text);
    return join(sandbox.root, 'hosts');
  }

  /** Runs a command of the table as its user would, and tells what the registry has seen of it. */
  async function seen(command: string): Promise<Seen> {
    const name = `org/app-${(images += 1)}`;
    const layer = { [`file-${images}`]: 'content' };
    const { config } = await world.layout.image({ layers: [layer] }, name.replace('/', '-'));
    configs.add(config.digest);
    await world.push(name.replace('/', '-'), `${name}:1`);
    const image = `${front.host}/${name}:1`;
    const [program, ...args] = command.split(' ');
    const dir = join(sandbox.root, `dir-${images}`);
    const file = join(sandbox.root, `Containerfile-${images}`);
    mkdirSync(dir);
    writeFileSync(file, `FROM ${image}\nLABEL of=test\n`);
    const hosts = args.includes('HOSTS') ? await hostsDirectory() : '';
    // What is pushed has to be there.
    if (args.includes('push')) {
      const bring = program === 'ctr' ? ['images', 'pull', '--plain-http', image] : ['pull', '-q', image];
      await sandbox.run(program!, bring, { env: { ...env, PYRSIA: 'off' } });
    }
    asked.length = 0;
    const given = args.map((arg) => {
      const word = arg
        .replace('REGISTRY', front.host)
        .replace('FILE', file)
        .replace('HOSTS', hosts)
        .replace(/DIR$/, dir);
      return word.replace(
        'IMAGE',
        word.startsWith('docker://') && args[0] === 'list-tags' ? image.slice(0, -2) : image,
      );
    });
    const ran = await sandbox.run(program!, given, { env });
    const of = (us: boolean) => new Set(asked.filter((each) => each.us === us).map(({ what }) => what));
    const all = { byUs: of(true), byTool: of(false) };
    // Nothing can be started in the container here, and nobody here asks for a login: as without us.
    if (args[0] === 'run' || args[0] === 'login') {
      const direct = await sandbox.run(program!, given, { env: { ...env, PYRSIA: 'off' } });
      expect([command, ran.code]).toEqual([command, direct.code]);
    } else expect([command, ran.code, ran.stderr]).toEqual([command, 0, expect.anything()]);
    return all;
  }

  it('are in the table, with what goes through us', async () => {
    const rows: string[][] = [];
    for (const [client, each] of Object.entries(commands))
      for (const command of each) {
        const { byUs, byTool } = await seen(command);
        rows.push([client, `\`${command}\``, listed(byUs), listed(byTool)]);
      }
    const made = tableOf([['client', 'command', 'through us', 'not through us'], ...rows]);
    const page = readFileSync(PAGE, 'utf8');
    expect(page).toMatch(MADE);
    const expected = page.replace(MADE, () => `${made}\n`);
    if (process.env['UPDATE_TABLE'] === '1') writeFileSync(PAGE, expected);
    expect(readFileSync(PAGE, 'utf8')).toBe(expected);
  }, 300_000);

  it('are not led past us where they have to do without a registry', async () => {
    const image = `${front.host}/org/app-1:1`;
    const offline = { env: { ...env, PYRSIA_OFFLINE: '1' } };
    asked.length = 0;
    const here = await sandbox.run('ctr', ['--namespace', 'other', 'images', 'pull', image], offline);
    expect([here.code, here.stderr]).toEqual([0, '']);
    const absent = await sandbox.run('ctr', ['images', 'pull', `${front.host}/org/absent:1`], offline);
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('424')]);
    expect(asked).toEqual([]);
    await sandbox.pyrsia(['agent', 'status'], { env });
    const files = readdirSync(sandbox.env['XDG_RUNTIME_DIR']!, { recursive: true }).map(String);
    expect(files.filter((file) => file.includes('hosts'))).toEqual([]);
  });
});

/** What a request is about; undefined for one that only asks whether there is a registry. */
/** What is asked for; a configuration counts as its manifest: whether a daemon asks for it is a matter of moments. */
function kindOf(method: string, url: string, configs: ReadonlySet<string>): string | undefined {
  const { pathname: path } = new URL(url, 'http://registry.invalid');
  if (path === '/v2/') return undefined;
  if (method === 'DELETE') return 'deletion';
  if (method !== 'GET' && method !== 'HEAD') return 'upload';
  const isConfig = configs.has(path.slice(path.lastIndexOf('/') + 1));
  if (path.includes('/blobs/')) return method === 'GET' ? (isConfig ? 'manifest' : 'content') : undefined;
  if (path.endsWith('/tags/list')) return 'list of tags';
  return path.includes('/manifests/') ? 'manifest' : undefined;
}

function listed(kinds: ReadonlySet<string>): string {
  const order = ['list of tags', 'manifest', 'content', 'upload', 'deletion'];
  return order.filter((kind) => kinds.has(kind)).join(', ') || 'nothing';
}

/** As oxfmt has tables. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |\n`;
  const [head, ...body] = rows;
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('');
}
