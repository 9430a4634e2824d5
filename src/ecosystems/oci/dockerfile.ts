/**
 * The images that a Dockerfile is built from. What is not understood here is fetched by whoever builds.
 *
 * @see https://docs.docker.com/reference/dockerfile/
 * @module
 */

/** No name of an image is longer, in characters; arguments that are made of each other may double with each line. */
const NAME_LIMIT = 1024;

/** An image that a build needs. */
export interface BaseImage {
  /** As it is written, with what arguments stand for. */
  readonly name: string;
  /** `--platform` of its FROM. */
  readonly platform?: string;
  /** It is wanted for the machine that builds, whatever that builds for. */
  readonly native?: true;
}

/** What a build is told besides its Dockerfile. */
export interface BuildTerms {
  /** `--build-arg`, by name. */
  readonly args: Readonly<Record<string, string>>;
  /** `--target`: stages after it are not built. */
  readonly target?: string;
}

/** Finds them: those of FROM, and of `COPY --from` and `--mount=from=` where that is no stage. Each once. */
export function baseImages(text: string, terms: BuildTerms): readonly BaseImage[] {
  return basesIn(text, terms).images;
}

/** What a Dockerfile tells of its bases. */
export interface DockerfileBases {
  readonly images: readonly BaseImage[];
  /** As it is written, what names an image that nobody can tell from here: a variable that nothing sets. */
  readonly untold: readonly string[];
}

/** Finds them as {@link baseImages} does, and what it leaves out besides. */
export function basesIn(text: string, { args, target }: BuildTerms): DockerfileBases {
  const known = new Map<string, string>(PLATFORM_ARGS.map((name) => [name, '']));
  const stages: string[] = [];
  const found = new Map<string, BaseImage>();
  const untold: string[] = [];
  const add = (written: string, name: string | undefined, platform?: string, native = false): void => {
    // What stands for nothing we know is no image of ours; nor is what builders do not put anything in for.
    if (!name || name.includes('$')) return void untold.push(written);
    if (name === 'scratch' || isStage(stages, name)) return;
    const of = native ? { native } : platform ? { platform } : {};
    found.set(JSON.stringify([name, of]), { name, ...of });
  };
  for (const [word = '', ...rest] of instructionsOf(text)) {
    const instruction = word.toUpperCase();
    // Arguments before the first FROM are those that a FROM may name.
    if (instruction === 'ARG' && stages.length === 0) {
      for (const each of rest) {
        const [, name = '', , value] = /^(\w+)(=(.*))?$/s.exec(each) ?? [];
        const given = args[name] ?? (value === undefined ? undefined : expanded(unquoted(value), known));
        if (given !== undefined) known.set(name, given);
      }
    } else if (instruction === 'FROM') {
      if (stages.length > 0 && isStage(stages.slice(-1), target)) break;
      const options = rest.filter((each) => each.startsWith('--'));
      const [image = '', as, name] = rest.filter((each) => !each.startsWith('--'));
      const [, platform] = /^--platform=(.*)$/.exec(options.join('\n')) ?? [];
      const isNative = /^\$\{?BUILDPLATFORM\}?$/.test(platform ?? '');
      add(image, expanded(unquoted(image), known), platform && expanded(platform, known), isNative);
      stages.push(as?.toUpperCase() === 'AS' && name !== undefined ? name.toLowerCase() : '');
    } else if (stages.length > 0) {
      const [, from] = /(?:^|\n)--from=(\S+)/.exec(rest.join('\n')) ?? [];
      if (instruction === 'COPY' && from !== undefined && !/^\d+$/.test(from)) add(from, from);
      for (const [, mounted] of rest.join('\n').matchAll(/^--mount=(?:\S*,)?from=([^,\s]+)/gm))
        if (instruction === 'RUN') add(mounted!, mounted);
    }
  }
  return { images: [...found.values()], untold };
}

/**
 * The image that BuildKit reads the Dockerfile with, by the directive `syntax` or the argument that takes its place.
 *
 * @see https://docs.docker.com/reference/dockerfile/#parser-directives
 */
export function syntaxImage(text: string, { args }: BuildTerms): string | undefined {
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^\s*(?:#|\/\/)\s*([a-z]\w*)\s*=\s*(\S+)/i.exec(line) ?? [];
    if (name.toLowerCase() === 'syntax') return args['BUILDKIT_SYNTAX'] ?? value;
    // A directive is one only where nothing else stands before it.
    if (name === '') break;
  }
  return args['BUILDKIT_SYNTAX'];
}

/** They are the builder's own, and ours to leave alone. */
const PLATFORM_ARGS = ['BUILDPLATFORM', 'TARGETPLATFORM', 'TARGETARCH', 'BUILDARCH', 'TARGETOS', 'BUILDOS'];

/** A stage is known by its name in any case; a target also by its number, which is not looked for here. */
function isStage(stages: readonly string[], name: string | undefined): boolean {
  return name !== undefined && stages.includes(name.toLowerCase());
}

/** Instructions, word by word. Lines go on after the escape sign; comments and the bodies of heredocs are left out. */
function* instructionsOf(text: string): Generator<readonly string[]> {
  const escape = /^\s*#\s*escape\s*=\s*`\s*$/im.test(text.split('\n').slice(0, 4).join('\n')) ? '`' : '\\';
  let line = '';
  let heredoc: string | undefined;
  for (const each of text.replaceAll('\r', '').split('\n')) {
    if (heredoc !== undefined) {
      if (each.trimStart() === heredoc) heredoc = undefined;
      continue;
    }
    if (/^\s*(#|$)/.test(each)) continue;
    const goesOn = each.trimEnd().endsWith(escape);
    line += goesOn ? `${each.trimEnd().slice(0, -1)} ` : each;
    if (goesOn) continue;
    const words = line.trim().split(/\s+/);
    line = '';
    const [, end] = /^(?:RUN|COPY|ADD)\b.*<<-?["']?(\w+)["']?/i.exec(words.join(' ')) ?? [];
    heredoc = end;
    yield words;
  }
}

function unquoted(text: string): string {
  return text.replace(/^(["'])(.*)\1$/s, '$2');
}

/** Puts in what `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+instead}` stand for; undefined where that is not known. */
function expanded(text: string, known: ReadonlyMap<string, string>): string | undefined {
  if (text.length > NAME_LIMIT) return undefined;
  let isKnown = true;
  const all = text.replaceAll(
    /\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g,
    (_, plain: string | undefined, braced: string | undefined, sign: string | undefined, other = '') => {
      const value = known.get(plain ?? braced ?? '');
      if (sign === '-') return value || String(other);
      if (sign === '+') return value ? String(other) : '';
      if (!value) isKnown = false;
      return value ?? '';
    },
  );
  return isKnown && all.length <= NAME_LIMIT && !all.includes('$') ? all : undefined;
}
