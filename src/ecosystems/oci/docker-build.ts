/**
 * What `docker build` is told by its arguments, as far as images are fetched for it.
 *
 * @see https://docs.docker.com/reference/cli/docker/buildx/build/
 * @module
 */

/** A build, as its caller has asked for it. */
export interface BuildCall {
  /** The directory that is sent, as it was said; undefined where it is no directory of this machine. */
  readonly context?: string;
  /** `--file` */
  readonly file?: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: string;
  /** Bases are asked for again, though they are there. */
  readonly pull: boolean;
  /** The first option by which BuildKit fetches more than its Dockerfile names. */
  readonly besides?: string;
}

/** They name images, caches and contexts elsewhere, or have an image of a scanner's own run. */
const BESIDES = /^--(?:cache-from|build-context|sbom|attest)$/;

/** Options that take no value; of all others the next word is one. */
const FLAGS =
  /^(?:-q|--quiet|--pull|--no-cache|--rm|--force-rm|--squash|--compress|--load|--push|--check|--disable-content-trust|-D|--debug)$/;

/** Reads what stands behind `build`; a variable that is named without a value is the environment's. */
export function buildCall(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): BuildCall {
  const said = new Map<string, string>();
  const args: Record<string, string> = {};
  let context: string | undefined;
  let pull = false;
  let besides: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (!word.startsWith('-') || word === '-') {
      context = word;
      continue;
    }
    const [, option = word, , joined] = /^(--[\w-]+|-\w)(=?(.*))$/s.exec(word) ?? [];
    if (option === '--pull') pull = joined === '' || joined === 'true';
    if (BESIDES.test(option)) besides ??= option;
    if (FLAGS.test(option)) continue;
    const value = joined === '' || joined === undefined ? (words[(at += 1)] ?? '') : joined;
    if (option !== '--build-arg') said.set(option, value);
    else {
      const [, name = '', equals, text = ''] = /^([^=]*)(=)?(.*)$/s.exec(value) ?? [];
      const given = equals === undefined ? env[name] : text;
      if (given !== undefined) args[name] = given;
    }
  }
  const isHere =
    context !== undefined && context !== '-' && !/^(?:[a-z+]+:\/\/|git@|github\.com\/)/.test(context);
  const file = said.get('-f') ?? said.get('--file');
  const target = said.get('--target');
  const platform = said.get('--platform') ?? (env['DOCKER_DEFAULT_PLATFORM'] || undefined);
  return {
    args,
    pull,
    ...(isHere ? { context: context! } : {}),
    ...(file === undefined ? {} : { file }),
    ...(target === undefined ? {} : { target }),
    ...(platform === undefined ? {} : { platform }),
    ...(besides === undefined ? {} : { besides }),
  };
}
