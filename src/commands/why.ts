import * as Args from '@oclif/core/args';
import { explainImage, type PartExplanation } from '../command/explain-image.ts';
import { type ExplainedLog, explainLog, logRows } from '../command/explain-log.ts';
import { imagesMeant, imagesOf, lookUp } from '../command/lookup.ts';
import type { CachedImage } from '../command/cached-images.ts';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { facts, table } from '../command/table.ts';
import { formatBytes, formatDuration, formatUpstream } from '../content/format.ts';
import { PyrsiaError } from '../errors.ts';
import { type Explanation, explain } from '../resolve/explain.ts';
import { keptReceipts, lastReceipt } from '../resolve/kept-receipts.ts';
import { filledIn, reasonOf, summary } from '../resolve/receipt.ts';
import type { Fill, PastUs, Receipt, ReportLine } from '../resolve/report.ts';
import type { Session } from '../session.ts';

/** How long the agent may take to say that all receipts are kept. */
const SETTLE_TIMEOUT_MS = 5000;

export default class Why extends PyrsiaCommand {
  static override summary = 'Explain where something came from, and on whose word';
  static override description =
    'last is the latest command that fetched through us. Of an image everything is told, from its manifest down to each layer. docs/report.md describes what --json prints.';
  static override examples = [
    '<%= config.bin %> why last',
    '<%= config.bin %> why npm:lodash@4.17.21',
    '<%= config.bin %> why nginx:latest',
    '<%= config.bin %> why sha256:2cf2…',
    '<%= config.bin %> why last --json',
  ];
  static override args = { what: Args.string({ description: 'reference, digest or last', required: true }) };

  async run(): Promise<Receipt | Explained[] | PartExplanation[]> {
    const { what } = (await this.parse(Why)).args;
    await using session = this.openSession();
    await settled(session);

    if (what === 'last') {
      const receipt = lastReceipt(session.paths);
      if (!receipt) throw new PyrsiaError('NOT_FOUND', { what: 'a receipt, since nothing was fetched yet' });
      this.print(toldReceipt(receipt));
      return receipt;
    }
    const cache = await session.cache();
    const images = await imagesMeant(imagesOf(cache), what);
    const { policy } = session.config.values;
    if (images.length > 0) {
      const receipts = keptReceipts(session.paths);
      const explained = images.map((image) => explainImage(cache, image, receipts, policy));
      const logged = await withLog(session, explained.flat());
      const told = images.map((image, i) => {
        const before = explained.slice(0, i).flat().length;
        return { image, parts: logged.slice(before, before + explained[i]!.length) };
      });
      this.print(told.map(({ image, parts }) => toldImage(image, parts)).join('\n\n'));
      return told.flatMap(({ parts }) => parts);
    }
    const { bindings, matches, absent } = await lookUp(cache, what);
    const explanations = explain(
      bindings,
      keptReceipts(session.paths),
      ({ purl, digest }) => matches(purl, digest),
      policy,
    );
    if (explanations.length === 0) throw absent;
    const logs = await explainLog(session, explanations);
    const explained = explanations.map((each, i) => ({ ...each, log: logs[i]! }));
    this.print(explained.map(toldExplanation).join('\n\n'));
    return explained;
  }
}

/** Parts of images, with what the log says of those that are more than a part of something that it has. */
async function withLog(
  session: Session,
  parts: readonly PartExplanation[],
): Promise<readonly PartExplanation[]> {
  const named = parts.filter(({ purl }) => !purl.includes('#'));
  const logs = new Map(zipped(named, await explainLog(session, named)));
  return parts.map((part) => {
    const log = logs.get(part);
    return log ? { ...part, log } : part;
  });
}

const zipped = <A, B>(as: readonly A[], bs: readonly B[]): [A, B][] => as.map((a, i) => [a, bs[i]!]);

/** An explanation, with what the log says. */
export type Explained = Explanation & { readonly log: ExplainedLog };

/** The agent may not have noticed yet that a command has ended. One that cannot say so has kept what it had. */
async function settled(session: Session): Promise<void> {
  try {
    const agent = await session.runningAgent();
    await agent?.call('settle', {}, { signal: AbortSignal.timeout(SETTLE_TIMEOUT_MS) });
  } catch {
    // It hangs, or is another version's: what was kept before is told.
  }
}

function toldReceipt(receipt: Receipt): string {
  const { command, cwd, startedAt, endedAt, policy, artifacts, fill, pastUs = [], notes } = receipt;
  const about = facts([
    ['command', command.join(' ')],
    ['directory', cwd],
    ['started', new Date(startedAt).toISOString()],
    ['running', endedAt === undefined ? 'still' : undefined],
    ['policy', policy],
    ['fetched', summary(receipt)],
    ['filled', fill && toldFill(fill, filledIn(receipt))],
    ['log', toldLogOf(receipt)],
    ...pastUs.map((past) => ['past us', toldPastUs(past)] as const),
    ...notes.map((note) => ['note', note] as const),
  ]);
  const reasons = artifacts.flatMap((line) => reasonOf(line) ?? []);
  const listed = table(
    [
      { heading: 'PURL' },
      { heading: 'FROM' },
      { heading: 'SIZE', right: true },
      { heading: 'WORD' },
      { heading: 'EVIDENCE' },
    ],
    artifacts.map((line) => [
      line.purl,
      origin(line),
      line.bytes === undefined ? '' : formatBytes(line.bytes),
      wordOf(line),
      line.rung,
    ]),
  );
  return [about, reasons.join('\n'), artifacts.length > 0 ? listed : ''].filter(Boolean).join('\n\n');
}

/** `log.example/1, 4567 entries, vouched for 2026-11-21T18:00:00.000Z`, and what is wrong with it. */
function toldLogOf({ log, artifacts, submitted = 0 }: Receipt): string {
  if (log === undefined) return 'no network is configured: nothing was asked';
  const { size, vouchedAt, old, fork, problem } = log;
  const unknown = artifacts.filter((line) => line.log?.says === 'unknown').length;
  return [
    log.origin,
    size === undefined ? 'never read' : `${size} entries`,
    vouchedAt !== undefined && `vouched for ${new Date(vouchedAt).toISOString()}`,
    unknown > 0 && `${unknown} unknown to it`,
    submitted > 0 && `${submitted} submitted to it`,
    old && 'so old that what is new may be hidden',
    fork !== undefined && `two histories: ${fork}`,
    problem !== undefined && `could not be asked: ${problem}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** `2 from npm.example (pkg:npm/left@1.0.0, pkg:npm/right@1.0.0): …`. */
function toldPastUs({ host, packages, purls = [], reason }: PastUs): string {
  const named = [...purls, ...(purls.length < packages ? ['…'] : [])].join(', ');
  return `${packages} from ${host}${purls.length > 0 ? ` (${named})` : ''}: ${reason}`;
}

/** `488 linked into npm's cache, 20.9 MB in 24 ms`, and why not more. */
function toldFill({ linked, copied, bytes, beyond = 0, ms, problem }: Fill, where: string): string {
  const counts = [linked > 0 && `${linked} linked`, copied > 0 && `${copied} copied`]
    .filter(Boolean)
    .join(', ');
  const done = counts && `${counts} into ${where}, ${formatBytes(bytes)} in ${formatDuration(ms)}`;
  const left = beyond > 0 && `${beyond} left to npm, being more than npm.fill.max lets be copied`;
  return [done, left, problem && `${where} could not be filled: ${problem}`].filter(Boolean).join('; ');
}

function toldExplanation(explanation: Explained): string {
  const {
    purl,
    upstream,
    private: isPrivate,
    digests,
    size,
    seenAt,
    accepted,
    policy,
    allowed,
    log,
    asked,
  } = explanation;
  const [latest] = asked;
  return facts([
    ['purl', purl],
    [
      'upstream',
      `${formatUpstream(upstream, purl.startsWith('pkg:docker/') ? 'docker' : undefined)}${isPrivate ? ' (private)' : ''}`,
    ],
    ...digests.map(({ digest, weak }) => ['digest', weak ? `${digest} (weak)` : digest] as const),
    ['size', size === undefined ? undefined : formatBytes(size)],
    ['word', wordOf(explanation)],
    ['evidence', log.says === 'logged' ? 'observed' : latest?.rung],
    ...logRows(log),
    ['policy', `${policy}: ${allowed ? 'content with that' : 'asks for more, it would be refused'}`],
    ['first seen', seenAt === undefined ? 'never accepted' : new Date(seenAt).toISOString()],
    ['accepted', accepted],
    ...asked
      .slice(0, 5)
      .map(
        (line) =>
          [
            'asked',
            `${new Date(line.at).toISOString()}  ${origin(line)}  ${line.command.join(' ')}`,
          ] as const,
      ),
    ['reason', latest && reasonOf(latest)],
    [
      "neighbour's copy",
      latest?.copy && `of peer ${latest.copy.peer}, seen at ${new Date(latest.copy.seenAt).toISOString()}`,
    ],
    ...(latest?.given ?? []).map(
      ({ peer, bytes, chunks }) =>
        [
          'given by',
          `${peer === undefined ? 'upstream' : `peer ${peer}`}: ${formatBytes(bytes)} in ${chunks} ${chunks === 1 ? 'chunk' : 'chunks'}`,
        ] as const,
    ),
    ...(latest?.passedOver ?? []).map(
      ({ source, reason }) => ['passed over', `${source}: ${reason}`] as const,
    ),
  ]);
}

function origin({ outcome, source, via }: ReportLine): string {
  if (outcome === 'linked') return `${source ?? ''}, ${via}`;
  return outcome === 'delivered' ? (source ?? '') : outcome;
}

function wordOf({ word, by }: Pick<ReportLine, 'word' | 'by'>): string {
  return by === 'nobody' ? word : `${word} by ${by}`;
}

function toldImage(
  { image, digest, tags, size, shared, offline }: CachedImage,
  parts: readonly PartExplanation[],
): string {
  const about = facts([
    ['image', image],
    ['digest', digest],
    ...tags.map(
      ({ tag, upstream, checkedAt }) =>
        [
          'tag',
          `${tag}, said ${formatUpstream(upstream, 'docker')} on ${new Date(checkedAt).toISOString()}`,
        ] as const,
    ),
    ['size', `${formatBytes(size)}${shared > 0 ? `, ${formatBytes(shared)} of it shared` : ''}`],
    ['offline', offline ? 'it is here with all its layers' : 'not all of it is here'],
    ...parts.flatMap(({ log, part, digests }) =>
      log && (log.says === 'logged' || digests[0]?.digest === digest)
        ? [...(digests[0]?.digest === digest ? [] : [[part, digests[0]?.digest] as const]), ...logRows(log)]
        : [],
    ),
    [
      'policy',
      parts[0] &&
        `${parts[0].policy}: ${parts.every(({ allowed }) => allowed) ? 'content with that' : 'asks for more'}`,
    ],
  ]);
  const rows = parts.map((part) => [
    part.part,
    part.platform ?? '',
    part.asked.find((line) => line.source === 'upstream' && line.outcome === 'delivered')
      ? 'upstream'
      : part.asked[0]
        ? origin(part.asked[0])
        : '',
    formatUpstream(part.upstream, 'docker'),
    part.seenAt === undefined ? '' : new Date(part.seenAt).toISOString(),
    part.size === undefined ? '' : formatBytes(part.size),
    part.here ? wordOf(part) : 'not here',
    part.log?.says === 'logged' ? 'observed' : (part.asked[0]?.rung ?? 'none'),
    part.digests[0]?.digest ?? '',
  ]);
  return `${about}\n\n${table(partColumns, rows)}`;
}

const partColumns = [
  { heading: 'PART' },
  { heading: 'PLATFORM' },
  { heading: 'FROM' },
  { heading: 'UPSTREAM' },
  { heading: 'FIRST SEEN' },
  { heading: 'SIZE', right: true },
  { heading: 'WORD' },
  { heading: 'EVIDENCE' },
  { heading: 'DIGEST' },
];
