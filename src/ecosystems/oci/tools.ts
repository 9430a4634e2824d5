/**
 * podman, buildah and skopeo, which read registries.conf. They show a mirror no credential, so theirs is not in it.
 *
 * @module
 */
import type { Redirection, SettingNames, Tool, ToolCall } from '../ecosystem.ts';

/** The file that takes the place of the user's own, which stands in it. */
const FILE = 'registries.conf';
const VARIABLE = 'CONTAINERS_REGISTRIES_CONF';

/** What acts in the user's name, or is about what they have logged in to. */
const OWN = ['login', 'logout', 'push'];

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

export const imageTools: readonly Tool[] = [
  {
    executable: 'podman',
    calls: { aside: OWN, idle: ['images', 'ps', 'version'], fetching: ['pull'], options: [] },
    settings,
    stepAside: (args) => own('podman', args, OWN),
    redirect: byEnvironment,
  },
  {
    executable: 'buildah',
    calls: { aside: OWN, idle: ['containers', 'images', 'version'], fetching: ['from', 'pull'], options: [] },
    settings,
    stepAside: (args) => own('buildah', args, OWN),
    redirect: byEnvironment,
  },
  {
    executable: 'skopeo',
    calls: {
      aside: ['delete', 'login', 'logout'],
      idle: ['help'],
      fetching: ['copy', 'inspect'],
      options: [],
    },
    settings,
    stepAside: (args) =>
      args.some((arg) => /^--registries-conf(-dir)?(=|$)/.test(arg))
        ? 'skopeo is told where its registries.conf is'
        : own('skopeo', args, ['delete', 'login', 'logout']),
    redirect: ({ globalConfig, pathOf }) => ({
      env: {},
      args: ['--registries-conf', pathOf(FILE)],
      files: { [FILE]: globalConfig },
    }),
  },
];

/** Which word is the command cannot be told from which is an option's value, so any word may be: to stay away is safe. */
function own(tool: string, args: readonly string[], aside: readonly string[]): string | undefined {
  const word = args.find((arg) => aside.includes(arg));
  return word === undefined ? undefined : `${tool} ${word} is yours`;
}
