import * as Args from '@oclif/core/args';
import { demandNetwork, openOwnLog } from '../../command/own-log.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { PyrsiaError } from '../../errors.ts';
import { countIn, membersOf, textIn } from '../../log/shape.ts';
import type { Session } from '../../session.ts';

/** What was written down of it. */
interface Submitted {
  readonly entry: number;
  readonly kind: string;
  readonly purl: string;
  readonly sha256: string;
  readonly dispute?: number;
}

export default class LogSubmit extends PyrsiaCommand {
  static override summary =
    'Have the authorities of your network look at a package, and write down what they see';
  static override description =
    'They fetch it by themselves, from its public registry. What your tools fetch from elsewhere is private, and is submitted to nobody. Ends when the entry is final.';
  static override examples = [
    '<%= config.bin %> log submit npm:lodash@4.17.21',
    '<%= config.bin %> log submit docker:nginx:1.29',
  ];
  static override args = {
    reference: Args.string({ description: 'a package with its version, or an image', required: true }),
  };

  async run(): Promise<Submitted> {
    const { args } = await this.parse(LogSubmit);
    await using session = this.openSession();
    const what = args.reference;
    const [{ publicArtifact }, { openPost }, { openUpstreams }, { proxiesIn }] = await Promise.all([
      import('../../authority/observing.ts'),
      import('../../authority/ask-authority.ts'),
      import('../../proxy/upstream.ts'),
      import('../../shims/proxies.ts'),
    ]);
    const { where } = await publicArtifact(what);
    const [log] = demandNetwork(session).policy.logs;
    if (session.env['PYRSIA_OFFLINE'] === '1')
      throw new PyrsiaError('OFFLINE_MISS', { what, reason: 'PYRSIA_OFFLINE is set' });
    const agent = await session.agent();
    const env = Object.fromEntries(Object.entries(session.env).filter(isDefined));
    const asked = { reference: what, cwd: session.cwd, env };
    if (!(await agent.call('isPublic', asked)).public)
      throw new PyrsiaError('BLOCKED', {
        what,
        by: 'that your tools do not fetch it from its public registry',
      });

    await using upstreams = openUpstreams({ silenceMs: 2 * 60_000 });
    const post = openPost(upstreams.ask, { strictSsl: true, ...proxiesIn(session.env) });
    const url = new URL('submit', log?.url?.replace(/\/?$/, '/'));
    const body = Buffer.from(JSON.stringify({ purl: where.purl }));
    const reply = await post(url, body, new AbortController().signal);
    const text = reply.body.toString();
    if (reply.status === 404) throw new PyrsiaError('NOT_FOUND', { what: `${what} at ${where.upstream}` });
    if (reply.status !== 200)
      throw new PyrsiaError('UPSTREAM_FAILED', {
        url: url.href,
        reason: `status ${reply.status}: ${text.slice(0, 300).trim()}`,
      });
    const submitted = submittedIn(JSON.parse(text), url.href);
    await known(session);
    this.print(
      facts([
        ['entry', String(submitted.entry)],
        ['kind', submitted.kind],
        ['purl', submitted.purl],
        ['sha256', submitted.sha256],
        ['dispute', submitted.dispute === undefined ? undefined : `entry ${submitted.dispute}`],
      ]),
    );
    return submitted;
  }
}

/** Has what was written down be known to this user's next installs; where it cannot be read now, they read it in their time. */
async function known(session: Session): Promise<void> {
  await using own = await openOwnLog(session);
  await own.client.refresh().catch(() => undefined);
}

const isDefined = (entry: [string, string | undefined]): entry is [string, string] => entry[1] !== undefined;

/** @throws PyrsiaError `DOCUMENT_INVALID` */
function submittedIn(value: unknown, what: string): Submitted {
  try {
    const required = ['entry', 'kind', 'purl', 'sha256'];
    const members = membersOf(value, 'the answer', required, ['dispute']);
    return {
      entry: countIn(members, 'entry'),
      kind: textIn(members, 'kind'),
      purl: textIn(members, 'purl'),
      sha256: textIn(members, 'sha256'),
      ...(members['dispute'] !== undefined && { dispute: countIn(members, 'dispute') }),
    };
  } catch (error) {
    throw new PyrsiaError('DOCUMENT_INVALID', { what, reason: error instanceof Error ? error.message : '' });
  }
}
