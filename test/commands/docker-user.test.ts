/** Docker's daemon led to us by an ordinary user in docker's group, who is alone on the machine. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../support/command.ts';
import { canDocker, docker, type Dockerd, startDockerd } from '../support/docker.ts';
import { openSandbox, type Sandbox } from '../support/sandbox.ts';
import { asUser, unprivileged } from '../support/user.ts';

const who = unprivileged();
const OWN = '{ "labels": ["site=a"] }\n';

describe.skipIf(!canDocker || !who.possible)('docker enable', { timeout: 60_000 }, () => {
  const user = who.possible ? who.user : { name: '', uid: 0, gid: 0 };
  let sandbox: Sandbox;
  let dockerd: Dockerd;
  /** What only root may write to. */
  let etc: string;
  let file: string;

  beforeAll(async () => {
    sandbox = openSandbox({ user });
    etc = mkdtempSync(join(tmpdir(), 'etc-'));
    chmodSync(etc, 0o755);
    file = join(etc, 'daemon.json');
    writeFileSync(file, OWN);
    const shell = `${user.name}:x:${user.uid}:${user.gid}::/home/${user.name}:/bin/sh\n`;
    writeFileSync(join(etc, 'passwd'), `root:x:0:0:root:/root:/bin/bash\n${shell}`);
    dockerd = await startDockerd({ gid: user.gid, configFile: file });
  });
  afterAll(async () => {
    await sandbox?.[Symbol.asyncDispose]();
    await dockerd?.[Symbol.asyncDispose]();
    rmSync(etc, { recursive: true });
  });

  /** The user's command, where nobody else has an account. */
  const pyrsia = async (...args: readonly string[]) => {
    const alone = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/passwd && exec "$@"'] as const;
    const command = asUser(user, sandbox.pyrsiaCommand(args));
    const env = { ...sandbox.env, DOCKER_HOST: dockerd.host, PYRSIA_IDLE: '0' };
    return start([...alone, join(etc, 'passwd'), ...command], { env }).result;
  };
  /** Does what the user is told that root is to do. */
  const asRoot = (stderr: string): void => {
    const [, command = ''] =
      /: only root may: sudo (.*), and then this command once more\n$/.exec(stderr) ?? [];
    expect(command).toContain(file);
    execFileSync('sh', ['-c', command]);
  };
  const mirrors = async (): Promise<unknown> =>
    JSON.parse((await docker(dockerd.host, ['info', '-f', '{{json .RegistryConfig.Mirrors}}'])).stdout);

  it('needs root for the file and the daemon’s signal alone, which it says', async () => {
    const first = await pyrsia('docker', 'enable', '--yes');
    expect([first.code, readFileSync(file, 'utf8')]).toEqual([1, OWN]);
    asRoot(first.stderr);
    const second = await pyrsia('docker', 'enable', '--yes', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ file, outcome: 'unchanged', inForce: false });
    expect(second.stderr).toContain('sudo systemctl reload docker');
    const { base } = JSON.parse(second.stdout) as { base: string };
    process.kill(dockerd.pid(), 'SIGHUP');
    await expect.poll(mirrors, { timeout: 10_000 }).toEqual([base]);
    const third = await pyrsia('docker', 'enable', '--yes', '--json');
    expect(JSON.parse(third.stdout)).toMatchObject({ outcome: 'unchanged', inForce: true });

    const back = await pyrsia('docker', 'disable', '--yes');
    expect(back.code).toBe(1);
    asRoot(back.stderr);
    expect(readFileSync(file, 'utf8')).toBe(OWN);
    const last = await pyrsia('docker', 'disable', '--yes', '--json');
    expect(JSON.parse(last.stdout)).toMatchObject({ file, inForce: false });
    expect((await pyrsia('docker', 'disable')).stderr).toContain('is not led to pyrsia');
  });
});
