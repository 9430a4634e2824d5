/** What docker enable makes of what a daemon says of itself. Its words are a stand-in's: no such daemon runs here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canDocker } from '../support/docker.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';

const NEW = { ServerVersion: '29.0.1' };
const WITH_CONTAINERD = {
  ServerVersion: '28.2.2',
  DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
};
const OLD = { ServerVersion: '28.2.2', DriverStatus: [['Backing Filesystem', 'extfs']] };

describe.skipIf(!canDocker)('docker enable', { timeout: 60_000 }, () => {
  let sandbox: Sandbox;
  let daemon: Server;
  let socket: string;
  /** What `GET /info` says. */
  let info: object;
  /** What stands for the machine's own. */
  let etc: string;
  let hosts: string;
  let dockerds: ChildProcess[];

  beforeAll(async () => {
    sandbox = openSandbox();
    socket = join(sandbox.root, 'd.sock');
    daemon = createServer((_, response) => void response.end(JSON.stringify(info)));
    await once(daemon.listen(socket), 'listening');
  });
  afterAll(async () => {
    daemon?.close();
    await sandbox?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    info = NEW;
    dockerds = [];
    etc = mkdtempSync(join(tmpdir(), 'etc-'));
    hosts = join(etc, 'docker/certs.d/_default/hosts.toml');
    writeFileSync(join(etc, 'passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  });
  afterEach(() => {
    for (const each of dockerds) each.kill();
    rmSync(etc, { recursive: true });
  });

  const pyrsia = (...args: readonly string[]) => pyrsiaWith({}, ...args);
  const pyrsiaWith = (env: Record<string, string>, ...args: readonly string[]) =>
    sandbox.run(
      'unshare',
      ['--mount', 'sh', '-c', 'mount --bind "$0" /etc && exec "$@"', etc, ...sandbox.pyrsiaCommand(args)],
      { env: { ...sandbox.env, DOCKER_HOST: `unix://${socket}`, PYRSIA_IDLE: '0', ...env } },
    );
  const outcome = async (...args: readonly string[]): Promise<unknown> => {
    const { stdout } = await pyrsia('docker', ...args, '--yes', '--json');
    return (JSON.parse(stdout) as { outcome: unknown }).outcome;
  };
  /** Starts what looks like a daemon behind that socket. */
  const beDockerd = async (...args: readonly string[]): Promise<void> => {
    const command = ['-c', 'echo; read x', 'x', '-H', `unix://${socket}`, ...args];
    const started = spawn('sh', command, { argv0: 'dockerd', stdio: ['pipe', 'pipe', 'ignore'] });
    dockerds.push(started);
    await once(started.stdout, 'data');
  };

  it.each<readonly [what: string, said: object, running: readonly (readonly string[])[], reason: RegExp]>([
    [
      'rootless daemon',
      { ...OLD, SecurityOptions: ['name=seccomp', 'name=rootless'] },
      [[]],
      /cannot reach us/,
    ],
    ['Docker Desktop', { ...NEW, OperatingSystem: 'Docker Desktop' }, [[]], /cannot reach us/],
    ['daemon whose process is not to be seen', OLD, [], /no dockerd is known at /],
    ['socket that several name', OLD, [[], []], /more than one dockerd is known at .* --config-file says/],
    ['daemon with mirrors of its own', OLD, [['--registry-mirror=https://m.example']], /names its mirrors/],
  ])('leaves a %s alone', async (_, said, running, reason) => {
    info = said;
    for (const args of running) await beDockerd(...args);
    const { code, stderr } = await pyrsia('docker', 'enable', '--yes', '--untested');
    expect([code, stderr]).toEqual([1, expect.stringMatching(reason)]);
    expect(stderr).toMatch(/^pyrsia: Docker is left alone: /);
    expect(existsSync(join(etc, 'docker'))).toBe(false);
  });

  it('writes a hosts.toml for one of version 29 or with containerd’s images, when it is told to, and takes it away', async () => {
    for (info of [NEW, WITH_CONTAINERD]) {
      const untold = await pyrsia('docker', 'enable', '--yes');
      expect([untold.code, untold.stderr]).toEqual([2, expect.stringContaining('give --untested')]);
      expect(existsSync(join(etc, 'docker'))).toBe(false);
    }
    expect(await outcome('enable', '--untested')).toBe('written');
    expect(readFileSync(hosts, 'utf8')).toMatch(
      /^\[host\."http:\/\/127\.0\.0\.1:\d+\/v2"\]\ncapabilities = \[ "pull", "resolve" \]\noverride_path = true\n$/,
    );
    expect(await outcome('enable', '--untested')).toBe('unchanged');
    expect(await outcome('disable')).toBe('restored');
    expect(existsSync(join(etc, 'docker'))).toBe(false);
  });

  it('has the user’s own systemd keep the agent, which it is told step by step, and let go of it', async () => {
    const unit = join(sandbox.home, '.config/systemd/user/pyrsia.service');
    const told = join(sandbox.root, 'told');
    const fails = join(sandbox.root, 'fails');
    const standIn = join(sandbox.root, 'bin/systemctl');
    mkdirSync(dirname(standIn), { recursive: true });
    const script = `#!/bin/sh\nunit=no; [ -e ${unit} ] && unit=yes\necho "$* unit=$unit" >>${told}\ncase $2 in $(cat ${fails})) exit 1;; esac\n`;
    writeFileSync(standIn, script, { mode: 0o755 });
    const env = {
      PATH: `${dirname(standIn)}:${process.env['PATH']}`,
      XDG_CONFIG_HOME: join(sandbox.home, '.config'),
    };
    const run = async (failing: string, ...args: readonly string[]): Promise<readonly [string[], string]> => {
      writeFileSync(told, '');
      writeFileSync(fails, failing);
      const { code, stderr } = await pyrsiaWith(env, 'docker', ...args, '--yes');
      expect(code, stderr).toBe(0);
      return [readFileSync(told, 'utf8').trim().split('\n').filter(Boolean), stderr];
    };
    const [none, why] = await run('show-environment', 'enable', '--untested');
    expect([none, existsSync(unit)]).toEqual([['--user show-environment unit=no'], false]);
    expect(why).toContain('No systemd of your own answers: the agent stays until');

    const [asked] = await run('none', 'enable', '--untested');
    expect(asked).toEqual([
      '--user show-environment unit=no',
      '--user daemon-reload unit=yes',
      '--user enable --now pyrsia.service unit=yes',
    ]);
    expect(readFileSync(unit, 'utf8')).toMatch(/^ExecStart=\S+ .*\n(?:.*\n)*Restart=always\n/m);
    expect((await run('enable', 'enable', '--untested'))[1]).toContain(
      'systemd does not enable pyrsia.service',
    );
    const [released] = await run('none', 'disable');
    expect(released).toEqual([
      '--user show-environment unit=yes',
      '--user disable --now pyrsia.service unit=yes',
    ]);
    expect(existsSync(unit)).toBe(false);

    mkdirSync(dirname(unit), { recursive: true });
    writeFileSync(unit, '[Service]\nExecStart=/mine\n');
    const [left, said] = await run('none', 'enable', '--untested');
    expect([left, said]).toEqual([
      ['--user show-environment unit=yes'],
      expect.stringContaining('none of ours'),
    ]);
    expect((await run('none', 'disable'))[0]).toEqual([]);
    expect(readFileSync(unit, 'utf8')).toBe('[Service]\nExecStart=/mine\n');
  });

  it('keeps a hosts.toml of somebody else’s, and one that somebody has changed since', async () => {
    mkdirSync(dirname(hosts), { recursive: true });
    writeFileSync(hosts, '# mine\n');
    const { code, stderr } = await pyrsia('docker', 'enable', '--yes', '--untested');
    expect([code, stderr]).toEqual([1, expect.stringContaining('hosts.toml is there and none of ours')]);
    expect(readFileSync(hosts, 'utf8')).toBe('# mine\n');
    rmSync(hosts);

    expect(await outcome('enable', '--untested')).toBe('written');
    appendFileSync(hosts, '# and mine\n');
    const changed = readFileSync(hosts, 'utf8');
    const back = await pyrsia('docker', 'disable', '--yes', '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({ outcome: 'unchanged' });
    expect(back.stderr).toContain(`hosts.toml was changed since, and stays as it is`);
    expect(readFileSync(hosts, 'utf8')).toBe(changed);
  });
});
