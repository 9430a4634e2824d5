/**
 * podman, buildah and skopeo, which read registries.conf, and ctr, which is told of a directory of hosts. They show a
 * mirror no credential, so theirs is not in it.
 *
 * @see https://github.com/containerd/containerd/blob/main/docs/hosts.md
 * @module
 */
import type { Redirection, SettingNames, Tool, ToolCall } from '../ecosystem.ts';

/** The file that takes the place of the user's own, which stands in it. */
const FILE = 'registries.conf';
const VARIABLE = 'CONTAINERS_REGISTRIES_CONF';
/** What containerd's clients look into; `_default` is about every registry that has no directory of its own. */
const HOSTS = 'hosts.d';

/** What acts in the user's name, or is about what they have logged in to. */
const OWN = ['login', 'logout', 'push'];
const SKOPEOS_OWN = ['delete', 'login', 'logout'];

/** Words that another one follows, which is the command. */
const GROUPS = ['artifact', 'image', 'manifest'];

const settings: SettingNames = {
  variables: [VARIABLE, 'REGISTRY_AUTH_FILE', 'DOCKER_CONFIG'],
  otherVariables: [],
  led: [VARIABLE],
  projectFiles: [],
  lockfiles: [],
};

/** Those that look for the file where the environment says. */
function byEnvironment({ globalConfig, pathOf }: ToolCall): Redirection {
  return { env: { [VARIABLE]: pathOf(FILE) }, files: { [FILE]: globalConfig } };
}

/** What podman and buildah do without a registry, so that it starts as quickly as without us. */
const IDLE = words('help images info inspect mount rename rm rmi tag umount unmount unshare version');
const PODMANS_IDLE = words(
  'attach commit completion cp diff events exec export generate healthcheck history import init kill load logs ' +
    'network pause port ps restart save secret start stats stop top unpause untag update wait',
);
const BUILDAHS_IDLE = words('commit config containers run');

/** ctr asks registries for nothing but images and their content. */
const CTRS_OTHERS = words(
  'c container containers deprecations e event events info install leases namespace namespaces ns oci plugin plugins ' +
    'pprof run sandbox sandboxes sb s shim snapshot snapshots t task tasks version',
);
/** By which its user says how a registry is asked. */
const CTRS_OWN =
  /^-(?:-(?:hosts-dir|plain-http|refresh|skip-verify|tlscacert|tlscert|tlskey|user)(?:=|$)|[ku]$)/;

/** By which users of the others say that, but for the file with their logins, which we read, too. */
const ENGINES_OWN = /^--(?:cert-dir|creds|tls-verify)(?:=|$)/;
const SKOPEOS_WORD =
  /^--(?:registries-conf(?:-dir)?|(?:src-)?(?:cert-dir|creds|no-creds|password|registry-token|tls-verify|username))(?:=|$)/;

export const imageTools: readonly Tool[] = [
  {
    executable: 'podman',
    calls: { aside: OWN, idle: [...IDLE, ...PODMANS_IDLE], fetching: [], options: [] },
    settings,
    stepAside: (args) => told('podman', args, ENGINES_OWN) ?? own('podman', args, OWN),
    redirect: byEnvironment,
  },
  {
    executable: 'buildah',
    calls: { aside: OWN, idle: [...IDLE, ...BUILDAHS_IDLE], fetching: [], options: [] },
    settings,
    stepAside: (args) => told('buildah', args, ENGINES_OWN) ?? own('buildah', args, OWN),
    redirect: byEnvironment,
  },
  {
    executable: 'skopeo',
    calls: {
      aside: SKOPEOS_OWN,
      idle: words('generate-sigstore-key help manifest-digest standalone-sign standalone-verify'),
      fetching: [],
      options: [],
    },
    settings,
    stepAside: (args) => told('skopeo', args, SKOPEOS_WORD) ?? own('skopeo', args, SKOPEOS_OWN),
    redirect: ({ globalConfig, pathOf }) => ({
      env: {},
      args: ['--registries-conf', pathOf(FILE)],
      files: { [FILE]: globalConfig },
    }),
  },
  {
    executable: 'ctr',
    calls: { aside: CTRS_OTHERS, idle: ['help'], fetching: [], options: [] },
    settings,
    stepAside(args) {
      if (args[0] === 'help') return undefined;
      const at = wordsBefore(args);
      if (at === undefined) return 'ctr asks no registry for this';
      return told('ctr', args.slice(at), CTRS_OWN);
    },
    redirect: ({ globalConfig, pathOf, args }) => ({
      env: {},
      args: ['--hosts-dir', pathOf(HOSTS)],
      after: wordsBefore(args) ?? 0,
      files: { [`${HOSTS}/_default/hosts.toml`]: globalConfig },
    }),
  },
];

/** The file with logins that a call of podman's, buildah's or skopeo's names; relative to where it is made. */
export function authFileOf(args: readonly string[]): string | undefined {
  for (const name of ['--src-authfile', '--authfile']) {
    const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
    const value = args[at]?.startsWith(`${name}=`) ? args[at].slice(name.length + 1) : args[at + 1];
    if (at >= 0 && value !== undefined) return value;
  }
  return undefined;
}

/** Why a call is not led in which its user says how a registry is asked. */
function told(tool: string, args: readonly string[], options: RegExp): string | undefined {
  const theirs = args.find((arg) => options.test(arg));
  return theirs && `${tool} is told by ${theirs.replace(/=.*/, '')} how to ask`;
}

/** Whether the tool reads a `hosts.toml` instead of a registries.conf. */
export function readsHosts({ executable }: Pick<Tool, 'executable'>): boolean {
  return executable === 'ctr';
}

/** How many words of a call of ctr's come before the options of what fetches; undefined where nothing does. */
function wordsBefore(args: readonly string[]): number | undefined {
  const at = args.findIndex((arg, i) => {
    const next = args[i + 1] ?? '';
    if (['i', 'image', 'images'].includes(arg)) return next === 'pull';
    return arg === 'content' && ['fetch', 'fetch-blob', 'fetch-object'].includes(next);
  });
  return at < 0 ? undefined : at + 2;
}

/**
 * Why a call is its user's own. What follows an option may be its value, or the command: where it can be one of
 * `aside` it is taken for that, since to stay away is safe.
 */
function own(tool: string, args: readonly string[], aside: readonly string[]): string | undefined {
  for (const [at, arg] of args.entries()) {
    if (arg.startsWith('-')) continue;
    if (aside.includes(arg)) return `${tool} ${arg} is yours`;
    const before = args[at - 1] ?? '';
    const mayBeValue = before.startsWith('-') && !before.includes('=');
    if (!mayBeValue && !GROUPS.includes(arg)) return undefined;
  }
  return undefined;
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
