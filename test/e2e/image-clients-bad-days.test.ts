/** Every client of image registries on its bad days: there is one registry, and it cuts, lies, or has had enough. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Verification } from '../../src/cache/cache.ts';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import type { Front } from '../support/image-registry.ts';
import { inNamespaceWithoutNetwork } from '../support/network.ts';
import type { MadeImage } from '../support/oci-layout.ts';
import type { Sandbox } from '../support/sandbox.ts';
import { environmentIn } from './everyday-world.ts';
import { canUseAllClients, type ClientsWorld, openClientsWorld } from './clients-world.ts';

/** The blobs in a directory that skopeo has written. */
function blobsIn(path: string): readonly Buffer[] {
  return readdirSync(path)
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .map((name) => readFileSync(join(path, name)));
}

describe.skipIf(!canUseAllClients)('A registry of which every client pulls', { timeout: 180_000 }, () => {
  let world: ClientsWorld;
  let sandbox: Sandbox;
  let front: Front;
  let dirs = 0;

  beforeAll(async () => {
    world = await openClientsWorld();
    ({ sandbox, front } = world);
  }, 120_000);
  afterAll(() => world?.[Symbol.asyncDispose]());
  afterEach(() => {
    front.instead = () => false;
    front.requests.length = 0;
  });

  const made = async (name: string): Promise<MadeImage> => {
    const layers = [{ small: randomBytes(1000) }, { large: randomBytes(9 * 2 ** 20) }];
    const image = await world.layout.image({ layers }, name);
    await world.push(name, `org/${name}:1`);
    return image;
  };
  /** Has all of them pull an image at once. */
  async function pulled(name: string, by: readonly string[] = ['skopeo', 'podman', 'docker', 'pyrsia']) {
    const image = `${front.host}/org/${name}:1`;
    const dir = join(sandbox.root, `dir-${(dirs += 1)}`);
    mkdirSync(dir);
    const commands = {
      skopeo: ['skopeo', 'copy', '-q', `docker://${image}`, `dir:${dir}`],
      podman: ['podman', 'pull', '-q', image],
      docker: ['docker', 'pull', '-q', image],
      pyrsia: sandbox.pyrsiaCommand(['pull', '--no-load', '--platform', 'linux/amd64', image]),
    };
    const chosen = Object.entries(commands).filter(([client]) => by.includes(client));
    const running = chosen.map(async ([client, [program = '', ...args]]) => {
      const { code, stderr } = await sandbox.run(program, args, { env: world.env, timeoutMs: 120_000 });
      return [client, { code, stderr }] as const;
    });
    const ended = Object.fromEntries(await Promise.all(running));
    const has = async (command: readonly [string, ...string[]]): Promise<boolean> => {
      const { stdout } = await sandbox.run(command[0], command.slice(1), { env: world.env });
      return stdout.includes(`org/${name}`);
    };
    return {
      ended,
      dir,
      kept: [await has(['podman', 'images', '--all']), await has(['docker', 'images', '--all'])],
    };
  }

  it.each([
    ['cuts', (whole: Buffer) => whole.subarray(0, whole.byteLength / 2)],
    ['alters', (whole: Buffer) => Buffer.concat([whole.subarray(0, -1), Buffer.from([whole.at(-1)! ^ 1])])],
  ])('%s its layers, which nobody gets before it is sound again', async (name, spoil) => {
    const { layers } = await made(name);
    const wholes = new Map(
      layers.map(({ digest }) => [
        digest,
        readFileSync(join(world.layout.directory, 'blobs', digest.replace(':', '/'))),
      ]),
    );
    front.instead = ({ method, url = '' }, response) => {
      const whole = wholes.get(url.slice(url.lastIndexOf('/') + 1) as Digest);
      if (!whole || method !== 'GET') return false;
      const body = spoil(whole);
      response.writeHead(200, { 'content-length': whole.byteLength });
      if (body.byteLength < whole.byteLength) response.write(body, () => response.destroy());
      else response.end(body);
      return true;
    };
    const first = await pulled(name);
    expect(Object.values(first.ended).map(({ code }) => code)).not.toContain(0);
    expect(first.kept).toEqual([false, false]);
    // What it has may be a part, never something of the same length.
    const lengths = [...wholes.values()].map(({ byteLength }) => byteLength);
    for (const { byteLength } of blobsIn(first.dir)) expect(lengths).not.toContain(byteLength);
    for (const digest of wholes.keys())
      expect(front.requests.join()).toContain(`GET /v2/org/${name}/blobs/${digest}`);
    const verified = await sandbox.pyrsia(['cache', 'verify', '--json'], { env: world.env });
    expect(JSON.parse(verified.stdout) as Verification).toMatchObject({ damaged: [] });

    front.instead = () => false;
    const second = await pulled(name);
    expect(second.ended).toMatchObject({
      skopeo: { code: 0 },
      podman: { code: 0 },
      docker: { code: 0 },
      pyrsia: { code: 0 },
    });
    expect(second.kept).toEqual([true, true]);
    const digests = blobsIn(second.dir).map((each) => digestOf(each, 'sha256'));
    expect(digests).toEqual(expect.arrayContaining([...wholes.keys()]));
  });

  it('has had enough: it is waited for where that is not long, and else what is here is what it was', async () => {
    const { layers, config } = await made('busy');
    /** When each may be asked for again. */
    const until = new Map<string, number>();
    let early = 0;
    front.instead = ({ method, url = '' }, response) => {
      const isContent = [config, ...layers].some(({ digest }) => url.endsWith(digest));
      if (!isContent || method !== 'GET') return false;
      if (until.has(url)) {
        if (performance.now() < until.get(url)!) early += 1;
        return false;
      }
      until.set(url, performance.now() + 950);
      response.writeHead(429, { 'retry-after': '1' }).end();
      return true;
    };
    const { ended } = await pulled('busy', ['skopeo', 'pyrsia']);
    expect(ended).toMatchObject({ skopeo: { code: 0 }, pyrsia: { code: 0 } });
    expect([until.size, early]).toEqual([3, 0]);

    let refused = 0;
    front.instead = (_, response) => {
      refused += 1;
      response.writeHead(429, { 'retry-after': '3600' }).end();
      return true;
    };
    expect((await pulled('busy', ['skopeo', 'pyrsia'])).ended).toMatchObject({
      skopeo: { code: 0 },
      pyrsia: { code: 0 },
    });
    const { code, stderr } = await sandbox.pyrsia(['pull', '--no-load', `${front.host}/org/none:1`], {
      env: world.env,
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining('429')]);
    expect(refused).toBeLessThan(10);
  });

  it('has an image of 120 layers, all of which docker puts together', { timeout: 300_000 }, async () => {
    const files = Array.from({ length: 120 }, (_, at) => ({ [`file-${at}`]: `${at}` }));
    const { layers } = await world.layout.image({ layers: files, command: ['/none'] }, 'many');
    await world.push('many', 'org/many:1');
    const run = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await sandbox.run('docker', args, {
        env: world.env,
        timeoutMs: 280_000,
      });
      expect([args[0], code, stderr]).toEqual([args[0], 0, expect.anything()]);
      return stdout.trim();
    };
    const id = await run('create', `${front.host}/org/many:1`);
    const exported = join(sandbox.root, 'many.tar');
    await run('export', '-o', exported, id);
    const { stdout } = await sandbox.run('tar', ['tf', exported]);
    const found = stdout.split('\n').filter((name) => name.startsWith('file-'));
    expect(found.toSorted()).toEqual(files.flatMap(Object.keys).toSorted());
    const fetched = front.requests.filter((request) => layers.some(({ digest }) => request.endsWith(digest)));
    expect(fetched.filter((request) => request.startsWith('GET'))).toHaveLength(120);
  });

  it('is not there at all, and what is here comes all the same', async () => {
    await made('kept');
    const image = `${front.host}/org/kept:1`;
    expect((await pulled('kept', ['pyrsia'])).ended).toMatchObject({ pyrsia: { code: 0 } });
    const dir = join(sandbox.root, 'alone');
    mkdirSync(dir);
    const skopeo = (name: string) =>
      ['skopeo', 'copy', '-q', `docker://${front.host}/org/${name}:1`, `dir:${dir}`] as const;
    const alone = async (name: string) =>
      sandbox.start(inNamespaceWithoutNetwork(skopeo(name)), { env: world.env }).result;
    expect(await alone('kept')).toMatchObject({ code: 0 });
    expect(blobsIn(dir)).toHaveLength(3);
    expect((await alone('none')).code).toBe(1);
    const podman = inNamespaceWithoutNetwork(['podman', 'pull', '-q', image]);
    expect(await sandbox.start(podman, { env: world.env }).result).toMatchObject({ code: 0 });
  });

  it('is asked by a script, which says what it says without us', async () => {
    const { layers } = await made('script');
    const image = `${front.host}/org/script:1`;
    const file = join(sandbox.root, 'script.sh');
    const lines = [
      'set -eu',
      'docker pull -q "$1" | cat',
      'docker image inspect -f "{{.RepoTags}} {{.RepoDigests}} {{.Id}}" "$1"',
      'podman pull -q "$1"; podman image inspect -f "{{.Digest}} {{.RepoDigests}}" "$1"',
      'skopeo inspect --tls-verify=false "docker://$1" | grep -c Digest',
      'docker pull -q "$1-none" 2>/dev/null || echo "failed with $?"',
      'podman images -q none || echo "failed with $?"; docker ps -q | wc -l',
      'printf "%s\\n" "$0" "$#" "$@"',
    ];
    writeFileSync(file, lines.join('\n'));
    const run = async (env: Record<string, string>) => {
      const { code, stdout } = await sandbox.run('sh', [file, image, 'a b', ''], {
        env: { ...world.env, ...env },
      });
      for (const engine of ['docker', 'podman'])
        await sandbox.run(engine, ['rmi', '-f', image], { env: { ...world.env, PYRSIA: 'off' } });
      return { code, stdout };
    };
    const direct = await run({ PYRSIA: 'off' });
    expect(direct).toMatchObject({ code: 0, stdout: expect.stringContaining('failed with 1') });
    front.requests.length = 0;
    expect(await run({})).toEqual(direct);
    const fetched = front.requests.filter((request) => layers.some(({ digest }) => request.endsWith(digest)));
    expect(fetched.filter((request) => request.startsWith('GET'))).toHaveLength(2);
  });

  it.each(['docker', 'podman'])(
    'sees %s, whose environment is its user’s, but for what leads it',
    async (client) => {
      // Who has a login for it with a helper starts that one, by which its environment can be seen.
      const [config, programs] = ['logins', 'programs'].map((name) =>
        join(sandbox.root, `${name}-${client}`),
      ) as [string, string];
      for (const folder of [config, programs]) mkdirSync(folder);
      const helpers = { credHelpers: { [front.host]: 'see' } };
      writeFileSync(join(config, 'config.json'), JSON.stringify(helpers));
      const found = join(sandbox.root, `environment-${client}`);
      const script = `#!/bin/sh\ncase $(cat /proc/$PPID/comm) in ${client}) cat /proc/$PPID/environ >'${found}';; esac\nexit 1\n`;
      writeFileSync(join(programs, 'docker-credential-see'), script, { mode: 0o755 });
      const odd = { EMPTY: '', QUOTES: `a'b"c$d\`e`, XDG_EXTRA: '1' };
      const environment = async (more: Record<string, string>) => {
        const { PATH = '' } = world.env;
        const [shims = '', ...others] = PATH.split(delimiter);
        const path = [shims, programs, ...others].join(delimiter);
        const logins = { DOCKER_CONFIG: config, REGISTRY_AUTH_FILE: join(config, 'config.json') };
        await sandbox.run(client, ['pull', '-q', `${front.host}/org/seen-${client}:1`], {
          env: { ...world.env, ...odd, ...logins, ...more, PATH: path },
        });
        const all = environmentIn(readFileSync(found, 'utf8'));
        rmSync(found);
        return { ...all, PATH: all['PATH']?.replace(`${shims}${delimiter}`, '') };
      };
      const direct: Record<string, string | undefined> = await environment({ PYRSIA: 'off' });
      const ours: Record<string, string | undefined> = await environment({});
      const names = new Set([...Object.keys(direct), ...Object.keys(ours)]);
      const different = [...names].filter((name) => direct[name] !== ours[name]);
      const led = { docker: 'DOCKER_HOST', podman: 'CONTAINERS_REGISTRIES_CONF' }[client]!;
      expect(different).toContain(led);
      expect(different.filter((name) => name !== led && !/^(?:PYRSIA.*|_)$/.test(name))).toEqual([]);
    },
  );
});
