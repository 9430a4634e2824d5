/**
 * Calls of docker's client, as far as it has to be known whether images are fetched for them.
 *
 * @see https://docs.docker.com/reference/cli/docker/
 * @module
 */
import type { KnownCalls } from '../ecosystem.ts';

const words = (text: string): string[] => text.split(' ');

/** What makes the daemon fetch images. */
const FETCHING = words('run create pull build compose');
/** Words that say nothing without the next one: `docker image pull`. */
const GROUPS = words('image container buildx builder');

/** Known calls. What says which daemon it is comes before the command. */
export const dockerCalls: KnownCalls = {
  aside: words(
    'attach bake checkpoint commit config context cp diff du events exec export help history images import imagetools info ' +
      'inspect kill list load login logout logs ls manifest network node pause plugin port prune ps push rename restart ' +
      'rm rmi save search secret service stack start stats stop swarm system tag top trust unpause update version ' +
      'volume wait',
  ),
  idle: words('--version -v --help'),
  fetching: FETCHING,
  anyOption: true,
  groups: GROUPS,
  options: words('-D --debug'),
};

/** What a call says before its command, and which command it is. */
export interface DockerCall {
  /** Without the words of groups: `pull` of `docker image pull`. */
  readonly command?: string;
  /** What follows it. */
  readonly args: readonly string[];
  /** The option by which it names a daemon, if it does. */
  readonly daemon?: string;
  /** `--config` */
  readonly config?: string;
}

/** Global options that take a value. */
const VALUED = words('-H --host -c --context --config -l --log-level --tlscacert --tlscert --tlskey');
/** Those that say which daemon it is, or how it is to be spoken to. */
const NAMING = words('-H --host -c --context --tls --tlsverify --tlscacert --tlscert --tlskey');

/** Takes a call apart as docker does. */
export function dockerCall(args: readonly string[]): DockerCall {
  let daemon: string | undefined;
  let config: string | undefined;
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at]!;
    if (!arg.startsWith('-')) {
      if (GROUPS.includes(arg)) continue;
      break;
    }
    const [name = '', ...values] = arg.split('=');
    // `-Htcp://…`
    const short = /^-[Hc]./.test(arg) ? arg.slice(0, 2) : name;
    if (NAMING.includes(short)) daemon ??= short;
    const isApart = VALUED.includes(arg);
    if (name === '--config') config = isApart ? args[at + 1] : values.join('=');
    if (isApart) at++;
  }
  return {
    ...(at < args.length ? { command: args[at]! } : {}),
    args: args.slice(at + 1),
    ...(daemon === undefined ? {} : { daemon }),
    ...(config === undefined ? {} : { config }),
  };
}

/** Why a call runs as if we were not there; undefined for one that makes the daemon fetch. */
export function dockerStepsAside(args: readonly string[]): string | undefined {
  const { command } = dockerCall(args);
  return command === undefined || FETCHING.includes(command)
    ? undefined
    : `docker ${command} fetches no image`;
}
