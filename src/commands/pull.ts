import * as Flags from '@oclif/core/flags';
import { deliver, isDirectory } from '../command/deliver.ts';
import { type Failure, failureOf, worstExitCode } from '../command/failure.ts';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { facts, table } from '../command/table.ts';
import { startProgress } from '../command/talk.ts';
import { formatBytes, formatUpstream } from '../content/format.ts';
import type { Methods, Pulled, PulledImage } from '../control/protocol.ts';
import { isPyrsiaError } from '../errors.ts';
import type { Session } from '../session.ts';

/** Something that was pulled, and where it is now besides the cache. */
type Result = (Pulled | PulledImage) & { readonly output?: string; readonly engine?: string };

/** What became of one of several instead. */
interface Failed {
  readonly reference: string;
  readonly error: Failure;
}

export default class Pull extends PyrsiaCommand {
  static override summary = 'Fetch images and packages into the cache, and hand them on';
  static override description =
    'A reference is the name of an image, npm:NAME@VERSION, where VERSION may be a range or a tag, maven:GROUP:ARTIFACT:VERSION, ' +
    'with :TYPE and :CLASSIFIER behind it, or a package URL. ' +
    'Dependencies are fetched with --with-dependencies, where Maven says which: mvn itself computes them. ' +
    'Of several each is tried, and the exit code is that of the worst failure.\n\n' +
    'An image is fetched for this machine, and proven from its manifest down to each unpacked layer. Then docker, or where ' +
    'no daemon answers podman, pulls it from us; or it is written: -o oci:DIR, -o oci-archive:FILE, -o docker-archive:FILE.';
  static override examples = [
    '<%= config.bin %> pull nginx:latest',
    '<%= config.bin %> pull images.example/org/app:1 --platform linux/arm64 -o oci-archive:app.tar',
    '<%= config.bin %> pull npm:express@^5',
    '<%= config.bin %> pull pkg:npm/lodash@4.17.21 -o lodash.tgz',
    '<%= config.bin %> pull maven:org.slf4j:slf4j-api:2.0.17',
    '<%= config.bin %> pull maven:ch.qos.logback:logback-classic:1.5.18 --with-dependencies -o jars/',
    '<%= config.bin %> pull npm:lodash npm:@types/node@24 -o packages/',
    '<%= config.bin %> pull npm:lodash -o - | tar tz',
  ];
  static override usage = 'pull REF… [-o FILE|DIR|-|KIND:PATH] [--platform OS/ARCH] [--json]';
  static override strict = false;
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'write to this file or into this directory; - is stdout' }),
    platform: Flags.string({ summary: 'for which machine an image is, such as linux/arm64' }),
    'all-platforms': Flags.boolean({
      summary: 'all images of an index, into the cache or -o oci…',
      exclusive: ['platform'],
    }),
    'with-dependencies': Flags.boolean({ summary: 'with all that mvn says that it depends on' }),
    load: Flags.boolean({ allowNo: true, default: true, summary: 'let docker or podman have the image' }),
  };

  async run(): Promise<(Result | Failed)[]> {
    const { argv, flags } = await this.parse(Pull);
    const { output } = flags;
    const references = argv.map(String);
    if (references.length === 0)
      this.error('Nothing to pull: give a reference such as nginx:latest or npm:express@^5', { exit: 2 });
    if (output === '-' && this.jsonEnabled())
      this.error('Stdout holds either the content or --json', { exit: 2 });
    const { parseImageOutput, writeImage } = await import('../command/image-archive.ts');
    const imageOutput = output === undefined ? undefined : parseImageOutput(output);
    const isMany = references.length > 1 || flags['with-dependencies'];
    if (isMany && output !== undefined && !isDirectory(output)) {
      const reason = imageOutput
        ? `One image is written to ${output}, and there are several`
        : `Several references are written into a directory, and there is none at ${output}`;
      this.error(reason, { exit: 2 });
    }
    const { parseReference } = await import('../ecosystems/index.ts');
    for (const text of output === undefined ? [] : references) {
      const isImage = (await parseReference(text)).ecosystem.name === 'docker';
      if (isImage && !imageOutput)
        this.error(
          `${text} is an image, which is written as oci:DIR, oci-archive:FILE or docker-archive:FILE`,
          {
            exit: 2,
          },
        );
    }
    await using session = this.openSession();
    const agent = await session.agent();
    const env = Object.fromEntries(Object.entries(session.env).filter(isDefined));
    const platform = flags['all-platforms'] ? 'all' : flags.platform;

    if (flags['with-dependencies']) return await this.#closures(session, references, { env, output });
    const isJson = this.jsonEnabled();
    const pull = async (reference: string): Promise<Result> => {
      using progress = startProgress();
      const onProgress = ({ bytes, size, what, source }: Methods['pull']['progress']): void => {
        if (source === undefined) progress.show(what, sofar(what, bytes, size));
        else if (isJson) progress.show(what, undefined);
        else progress.done(what, `${what}: ${formatBytes(bytes)} from ${source}`);
      };
      const asked = { reference, cwd: session.cwd, env, ...(platform !== undefined && { platform }) };
      const pulled = await agent.call('pull', asked, { onProgress });
      progress[Symbol.dispose]();

      if ('image' in pulled) {
        const written = imageOutput && (await writeImage(pulled, imageOutput));
        this.print(toldOfImage(pulled, written));
        if (pulled.mayBe && !isJson)
          this.say(
            `${reference} is a short name of ${pulled.mayBe.join(' or ')}: ${pulled.image.reference} was taken`,
          );
        const toLoad = flags.load && output === undefined;
        if (toLoad && platform === 'all')
          this.say(`${pulled.image.reference} is in the cache only: an engine takes one platform`);
        const loaded = toLoad && platform !== 'all' ? await this.#load(session, pulled, platform) : undefined;
        return {
          ...pulled,
          ...(written !== undefined && { output: written }),
          ...(loaded !== undefined && { engine: loaded }),
        };
      }
      const written = output === undefined ? undefined : await deliver(pulled, output);
      if (output === '-') this.say(told(pulled, undefined));
      else this.print(told(pulled, written));
      return { ...pulled, ...(written !== undefined && { output: written }) };
    };
    if (references.length > 1) return await this.#each(references, pull);
    return [await pull(references[0]!).catch((error: unknown) => this.#hinted(references[0]!, error))];
  }

  /** One after the other, whatever became of those before. */
  async #each(
    references: readonly string[],
    pull: (reference: string) => Promise<Result>,
  ): Promise<(Result | Failed)[]> {
    const all: (Result | Failed)[] = [];
    const errors: unknown[] = [];
    for (const reference of references) {
      try {
        all.push(await pull(reference).catch((error: unknown) => this.#hinted(reference, error)));
      } catch (error) {
        errors.push(error);
        all.push({ reference, error: failureOf(error) });
        if (!this.jsonEnabled()) this.say(failureOf(error).message);
      }
    }
    if (errors.length > 0) {
      if (!this.jsonEnabled()) this.say(`${errors.length} of ${references.length} could not be pulled`);
      process.exitCode = worstExitCode(errors);
    }
    return all;
  }

  /** Fails as it has failed. Who meant one of npm's packages where there is no such image is told how to say so. */
  async #hinted(reference: string, error: unknown): Promise<never> {
    const isNone = isPyrsiaError(error, 'NOT_FOUND') || isPyrsiaError(error, 'CREDENTIALS_NEEDED');
    if (!this.jsonEnabled() && isNone && /^[a-z][a-z0-9._-]*$/.test(reference))
      this.say(`"${reference}" was looked for among images; for one of npm's write npm:${reference}`);
    return Promise.reject(error);
  }

  /** Each with all that it depends on. What mvn has brought comes out of the cache then, proven once more. */
  async #closures(
    session: Session,
    references: readonly string[],
    { env, output }: { readonly env: Record<string, string>; readonly output: string | undefined },
  ): Promise<Result[]> {
    const { closureOf } = await import('../command/closure.ts');
    const agent = await session.agent();
    const all: Result[] = [];
    for (const text of references) {
      const closure = await closureOf(session, text);
      const pulled: Result[] = [];
      const taken = new Set(all.flatMap(({ output: path }) => path ?? []));
      for (const each of closure.references) {
        const brought = await agent.call('pull', { reference: each, cwd: session.cwd, env, passes: true });
        const written = output === undefined ? undefined : await deliver(brought, output, { taken });
        if (written !== undefined) taken.add(written);
        pulled.push({ ...brought, ...(written !== undefined && { output: written }) });
      }
      this.print(toldClosure(pulled));
      const others = closure.receipt && closure.receipt.totals.artifacts - pulled.length;
      if (others) this.say(`${others} files more came through us: poms, and what mvn itself needs to say so`);
      all.push(...pulled);
    }
    return all;
  }

  /** Where no engine can have it, it is in the cache all the same. */
  async #load(
    session: Session,
    pulled: PulledImage,
    platform: string | undefined,
  ): Promise<string | undefined> {
    const { loadImage } = await import('../command/load-image.ts');
    const loaded = await loadImage(session, pulled, platform);
    if ('engine' in loaded)
      // Under the facts before it.
      this.print(facts([['engine  ', `${loaded.engine}${loaded.from ? `, from ${loaded.from}` : ''}`]]));
    else this.say(`${pulled.image.reference} is in the cache only: ${loaded.reason}`);
    return 'engine' in loaded ? loaded.engine : undefined;
  }
}

function told(
  { purl, digest, bytes, source, upstream, word, by, rung, log }: Pulled,
  output: string | undefined,
): string {
  return facts([
    ['purl', purl],
    ['digest', digest],
    ['size', formatBytes(bytes)],
    [
      'from',
      `${source} (${formatUpstream(upstream, purl.startsWith('pkg:docker/') ? 'docker' : undefined)})`,
    ],
    ['evidence', `${word} by ${by}${rung === 'none' ? '' : `: ${rung}`}; ${toldLog(log)}`],
    ['written', output],
  ]);
}

function toldLog(log: Pulled['log']): string {
  if (log === undefined) return 'no log was asked';
  return log.entry === undefined ? `${log.says} to the log` : `${log.says} in entry ${log.entry} of the log`;
}

/** One line for each, and of which quality the evidence is. */
function toldClosure(pulled: readonly Result[]): string {
  const rows = pulled.map(({ purl, bytes, upstream, word, by, rung, output = '' }) => [
    purl,
    formatBytes(bytes),
    formatUpstream(upstream),
    word === 'unknown' ? word : `${word} by ${by}`,
    rung,
    output,
  ]);
  const headings = [
    'PURL',
    'SIZE',
    'UPSTREAM',
    'WORD',
    'EVIDENCE',
    ...(pulled[0]?.output ? ['WRITTEN'] : []),
  ];
  return table(
    headings.map((heading) => ({ heading, ...(heading === 'SIZE' && { right: true }) })),
    rows.map((row) => row.slice(0, headings.length)),
  );
}

function toldOfImage(pulled: PulledImage, output: string | undefined): string {
  const { manifests, reference, referrers } = pulled.image;
  const layers = new Map(
    manifests.flatMap((manifest) => manifest.layers).map((layer) => [layer.digest, layer]),
  );
  const here = [...layers.values()].filter(({ source }) => source === 'cache').length;
  const platforms = manifests.flatMap(({ platform }) => platform ?? []);
  return facts([
    ['image', reference],
    ['platform', platforms.join(', ') || undefined],
    ['layers', `${layers.size}${here > 0 ? `, ${here} of them from the cache` : ''}`],
    ['about it', referrers.map(({ artifactType }) => artifactType).join(', ') || undefined],
  ]).concat('\n', told(pulled, output));
}

function isDefined(entry: [string, string | undefined]): entry is [string, string] {
  return entry[1] !== undefined;
}

/** How far something is. Sizes in bytes. */
function sofar(what: string, bytes: number, size: number | undefined): string {
  if (bytes === size) return `${what}: ${formatBytes(bytes)}, checking`;
  return `${what}: ${formatBytes(bytes)}${size === undefined ? '' : ` of ${formatBytes(size)}`}`;
}
