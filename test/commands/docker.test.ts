/** Docker's daemon led to us by its own configuration, on a machine that has one user. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/control/protocol.ts';
import { agentsSeen } from '../../src/doctor/agents-seen.ts';
import { lookAtDocker } from '../../src/doctor/docker.ts';
import { pathsOf } from '../../src/paths.ts';
import { busybox, canDocker, docker, type Dockerd, startDockerd } from '../support/docker.ts';
import { type Front, type ImageRegistry, startFront, startRegistry } from '../support/image-registry.ts';
import { Layout } from '../support/oci-layout.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const OWN = '{\n\t"labels": ["site=é"],\n\t"registry-mirrors": ["http://127.0.0.1:1/"]\n}';
const ROOT = 'root:x:0:0:root:/root:/bin/bash\n';

describe.skipIf(!canDocker)('docker’s daemon', { timeout: 60_000 }, () => {
  let sandbox: Sandbox;
  let dockerd: Dockerd;
  let registry: ImageRegistry;
  let front: Front;
  let file: string;
  let accounts: string;

  beforeAll(async () => {
    // Its agent would end with its last command.
    sandbox = openSandbox();
    file = join(sandbox.root, 'daemon.json');
    accounts = join(sandbox.root, 'passwd');
    writeFileSync(file, OWN, { mode: 0o640 });
    [registry, dockerd] = await Promise.all([startRegistry(), startDockerd({ configFile: file })]);
    front = await startFront(registry.host);
    const layout = new Layout(join(sandbox.root, 'layout'));
    await layout.image({ layers: [busybox()] }, 'app');
    await registry.push(layout.directory, 'app', 'library/app:latest');
    const own = join(sandbox.home, '.config', 'containers');
    mkdirSync(own, { recursive: true });
    writeFileSync(
      join(own, 'registries.conf'),
      `[[registry]]\nprefix = "docker.io"\nlocation = "${front.host}"\ninsecure = true\n`,
    );
  });
  afterAll(async () => {
    // Its configuration lies in the sandbox, whose processes are killed.
    await dockerd?.[Symbol.asyncDispose]();
    await sandbox?.[Symbol.asyncDispose]();
    await front?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
  });
  beforeEach(() => writeFileSync(accounts, ROOT));

  const env = (): Record<string, string> => ({
    ...sandbox.env,
    DOCKER_HOST: dockerd.host,
    XDG_CONFIG_HOME: join(sandbox.home, '.config'),
    PYRSIA_IDLE: '0',
  });
  /** Runs a command where only those in `accounts` have one. */
  const pyrsia = (args: readonly string[], more: Record<string, string> = {}) =>
    sandbox.run(
      'unshare',
      [
        '--mount',
        'sh',
        '-c',
        'mount --bind "$0" /etc/passwd && exec "$@"',
        accounts,
        ...sandbox.pyrsiaCommand(args),
      ],
      { env: { ...env(), ...more } },
    );
  const refused = async (more?: Record<string, string>) => {
    const { code, stderr } = await pyrsia(['docker', 'enable', '--yes'], more);
    expect([code, readFileSync(file, 'utf8')]).toEqual([1, OWN]);
    return stderr;
  };
  const json = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout } = await pyrsia([...args, '--json']);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const mirrors = async (): Promise<unknown> => {
    const { stdout } = await docker(dockerd.host, ['info', '-f', '{{json .RegistryConfig.Mirrors}}']);
    return JSON.parse(stdout);
  };
  const status = async (): Promise<AgentStatus> => (await json('agent', 'status')) as unknown as AgentStatus;
  const found = async (): Promise<readonly string[]> => {
    const paths = pathsOf(env());
    const agents = async () => agentsSeen(paths.runtime, AbortSignal.timeout(10_000));
    const all = await lookAtDocker({ paths, uid: 0, agents }, { passwd: readFileSync(accounts, 'utf8') });
    return all.map(({ id }) => id);
  };

  it('is led to us and back, byte for byte, and has images of docker’s own registry from us', async () => {
    const asked = await pyrsia(['docker', 'enable']);
    expect([asked.code, asked.stdout, readFileSync(file, 'utf8')]).toEqual([2, '', OWN]);
    expect(asked.stderr).toMatch(
      /daemon\.json:\n-\t"labels[^]*-\t"registry-mirrors": \["http:\/\/127\.0\.0\.1:1\/"\]\n[^]*\+\t\t"http:\/\/127\.0\.0\.1:\d+\/",\n\+\t\t"http:\/\/127\.0\.0\.1:1\/"\n[^]*Nothing was changed/,
    );
    const { base, ...told } = await json('docker', 'enable', '--yes');
    expect(told).toEqual({ file, outcome: 'written', inForce: true });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      labels: ['site=é'],
      'registry-mirrors': [base, 'http://127.0.0.1:1/'],
    });
    expect(await mirrors()).toEqual([base, 'http://127.0.0.1:1/']);
    expect(await json('docker', 'enable', '--yes')).toMatchObject({ outcome: 'unchanged', inForce: true });

    const pulled = await docker(dockerd.host, ['pull', '-q', 'app']);
    expect([pulled.code, pulled.stderr]).toEqual([0, '']);
    expect(front.requests.filter((each) => /^GET .*blobs/.test(each))).toHaveLength(2);
    const { pid } = await status();
    expect(pid).toBeDefined();
    // Whichever agent is started next serves it at once, and stays.
    await pyrsia(['agent', 'stop']);
    await pyrsia(['cache', 'gc']);
    await docker(dockerd.host, ['rmi', 'app']);
    const again = await docker(dockerd.host, ['pull', '-q', 'app']);
    expect([again.code, front.requests.filter((each) => /^GET .*blobs/.test(each)).length]).toEqual([0, 2]);

    expect(await json('docker', 'disable', '--yes')).toEqual({ file, outcome: 'restored', inForce: true });
    expect([readFileSync(file, 'utf8'), await mirrors()]).toEqual([OWN, ['http://127.0.0.1:1/']]);
    expect((await pyrsia(['docker', 'disable'])).stderr).toBe(
      'pyrsia: Docker’s daemon is not led to pyrsia\n',
    );
    await expect.poll(async () => (await status()).running, { timeout: 20_000 }).toBe(false);
  });

  it('is left alone where others may log in, elsewhere, and under sudo', async () => {
    writeFileSync(accounts, `${ROOT}you:x:1001:1001::/home/you:/bin/sh\n`);
    expect(await refused()).toMatch(/^pyrsia: Docker is left alone: others may use this machine \(you\)/);
    writeFileSync(accounts, ROOT);
    expect(await refused({ DOCKER_HOST: 'tcp://127.0.0.1:1' })).toContain('its daemon is at tcp://…');
    expect(await refused({ SUDO_UID: '1000' })).toContain('it would be root’s agent');
  });

  it('says what root is to do where only root may, and knows that it was done', async () => {
    // Root is stopped by nothing else.
    chmodSync(file, 0o444);
    const { code, stderr } = await pyrsia(['docker', 'enable', '--yes']);
    const [, command = ''] =
      /: only root may: sudo (install .*), and then this command once more\n$/.exec(stderr) ?? [];
    expect([code, command]).toEqual([1, expect.stringContaining(file)]);
    execFileSync('sh', ['-c', command]);
    expect(await json('docker', 'enable', '--yes')).toMatchObject({ outcome: 'unchanged', inForce: true });
    expect(await json('docker', 'disable', '--yes')).toMatchObject({ outcome: 'restored' });
    expect(readFileSync(file, 'utf8')).toBe(OWN);
  });

  it('is looked at by the doctor, whose remedies help, and given back by uninstall', async () => {
    expect(await found()).toEqual([]);
    const enable = async () => expect((await pyrsia(['docker', 'enable', '--yes'])).code).toBe(0);
    await enable();
    expect(await found()).toEqual([]);
    await pyrsia(['agent', 'stop']);
    expect(await found()).toEqual(['docker-led-absent']);
    await enable();
    const led = readFileSync(file, 'utf8');
    writeFileSync(file, OWN);
    expect(await found()).toEqual(['docker-led-altered']);
    await enable();
    expect([await found(), readFileSync(file, 'utf8')]).toEqual([[], led]);

    await pyrsia(['agent', 'stop']);
    const ports = join(pathsOf(env()).state, 'ports');
    writeFileSync(ports, readFileSync(ports, 'utf8').replace(/^\d+ images$/m, '1025 images'));
    expect(await found()).toEqual(['docker-led-port']);
    await enable();
    expect([await found(), (await mirrors()) as string[]]).toEqual([
      [],
      ['http://127.0.0.1:1025/', 'http://127.0.0.1:1/'],
    ]);

    writeFileSync(accounts, `${ROOT}you:x:1001:1001::/home/you:/bin/sh\n`);
    expect(await found()).toEqual(['docker-led-open']);
    const { code, stderr } = await pyrsia(['uninstall', '--yes']);
    expect([code, stderr, readFileSync(file, 'utf8')]).toEqual([0, expect.stringContaining(file), OWN]);
    expect(await found()).toEqual([]);
  });
});
