/**
 * A docker daemon for a test, and images that it can run.
 *
 * @module
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Files } from './oci-layout.ts';
import { type Finished, start } from './command.ts';
import { has, imageTools } from './image-registry.ts';

/** Whether this machine can run a daemon, and has images for it. */
export const canDocker = process.getuid?.() === 0 && has(...imageTools, 'docker', 'dockerd', 'busybox');

/** A running daemon. */
export interface Dockerd extends AsyncDisposable {
  readonly socket: string;
  /** `DOCKER_HOST` */
  readonly host: string;
  /** Of its process. */
  pid(): number;
  /** Ends it and starts it again, with all that it has. */
  restart(): Promise<void>;
  /** Takes every container and image from it. Rejects where a name of ours stays there. */
  clear(): Promise<void>;
}

/** A name that an image has at our address, for one launch: after a pull nobody is to see one. */
export const OUR_NAME = /127\.0\.0\.1:\d+\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\//;

/**
 * Starts a daemon whose socket belongs to the group `gid`, without a network of its own. `within`: a command that runs it;
 * `configFile`: its own configuration; `patient`: a layer that it does not get it asks for again, as often as any daemon.
 */
export async function startDockerd({
  gid = 0,
  within = [],
  configFile,
  patient = false,
}: {
  readonly gid?: number;
  readonly within?: readonly string[];
  readonly configFile?: string;
  readonly patient?: boolean;
} = {}): Promise<Dockerd> {
  const root = mkdtempSync(join(tmpdir(), 'dockerd-'));
  const at = (name: string): string => join(root, name);
  const socket = at('docker.sock');
  const begin = async (): Promise<void> => {
    const log = openSync(at('log'), 'a');
    const args = [
      '--data-root',
      at('data'),
      '--exec-root',
      at('exec'),
      '--pidfile',
      at('pid'),
      '-H',
      `unix://${socket}`,
    ];
    const alone = [
      '--iptables=false',
      '--ip6tables=false',
      '--bridge=none',
      '--ip-forward=false',
      '--ip-masq=false',
    ];
    const own = configFile === undefined ? [] : [`--config-file=${configFile}`];
    const once = patient ? [] : ['--max-download-attempts', '1'];
    const other = ['--group', String(gid), ...once, ...own];
    const [program = '', ...rest] = [...within, 'dockerd', ...args, ...alone, ...other];
    spawn(program, rest, { stdio: ['ignore', log, log], detached: true }).unref();
    await until(
      async () => (await docker(`unix://${socket}`, ['version'])).code === 0,
      () => readFileSync(at('log'), 'utf8'),
    );
  };
  const pidNow = (): number => Number(readFileSync(at('pid'), 'utf8'));
  const end = async (): Promise<void> => {
    const pid = pidNow();
    process.kill(pid, 'SIGTERM');
    await until(
      async () => Promise.resolve(!existsSync(`/proc/${pid}`)),
      () => `dockerd ${pid} does not end`,
    );
  };
  // A socket can be entered by whoever reaches it.
  mkdirSync(at('data'));
  execFileSync('chmod', ['755', root]);
  await begin();
  return {
    socket,
    host: `unix://${socket}`,
    pid: pidNow,
    async restart() {
      await end();
      await begin();
    },
    async clear() {
      const host = `unix://${socket}`;
      const named = async (): Promise<string> =>
        (await docker(host, ['images', '--all', '--digests', '--format', '{{.Repository}}:{{.Tag}}'])).stdout;
      // One goes with its pull, or is swept with the next one.
      await until(async () => !OUR_NAME.test(await named()), named);
      const ids = async (args: readonly string[]): Promise<readonly string[]> => [
        ...new Set((await docker(host, args)).stdout.split('\n').filter(Boolean)),
      ];
      const containers = await ids(['ps', '-aq']);
      if (containers.length > 0) await docker(host, ['rm', '-f', ...containers]);
      const images = await ids(['images', '-aq']);
      if (images.length > 0) await docker(host, ['rmi', '-f', ...images]);
    },
    async [Symbol.asyncDispose]() {
      await end();
      spawnSync('umount', [at('exec/netns/default')]);
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Docker's client, as if we were not there. */
export async function docker(host: string, args: readonly string[], input = ''): Promise<Finished> {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', DOCKER_HOST: host };
  return start(['docker', ...args], { env, input }).result;
}

/** busybox, under the names of some of its applets. */
export function busybox(): Files {
  const path = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  const program = readFileSync(realpathSync(path));
  return { 'bin/busybox': program, 'bin/sh': '#!/bin/busybox sh\nexec /bin/busybox sh "$@"\n' };
}

/** nginx as Debian has it, with what it is linked to, answering on 127.0.0.1 at `port`. */
export function nginx(port: number): Files {
  const program = '/usr/sbin/nginx';
  const linked = execFileSync('ldd', [program], { encoding: 'utf8' });
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!);
  const files = [program, ...new Set(libraries)].map((path) => [
    path.slice(1),
    readFileSync(realpathSync(path)),
  ]);
  return {
    ...(Object.fromEntries(files) as Record<string, Buffer>),
    'etc/passwd': 'root:x:0:0::/:/bin/false\n',
    'etc/group': 'root:x:0:\n',
    'run/x': '',
    'etc/nginx.conf': `user root root; daemon off; master_process off; error_log stderr; pid /run/nginx.pid;
events {}
http {
  access_log off; client_body_temp_path /run/body; proxy_temp_path /run/proxy; fastcgi_temp_path /run/fastcgi;
  uwsgi_temp_path /run/uwsgi; scgi_temp_path /run/scgi;
  server { listen 127.0.0.1:${port}; location / { return 200 "it is nginx\\n"; } }
}
`,
  };
}

async function until(holds: () => Promise<boolean>, why: () => string | Promise<string>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds()) return;
    await delay(100);
  }
  throw new Error(`It never came to be: ${await why()}`);
}
