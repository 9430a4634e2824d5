import * as Args from '@oclif/core/args';
import type { SubmittedEntry } from '../../authority/submit.ts';
import { demandNetwork, openOwnLog } from '../../command/own-log.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { facts } from '../../command/table.ts';
import { PyrsiaError } from '../../errors.ts';
import type { Session } from '../../session.ts';

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

  async run(): Promise<SubmittedEntry> {
    const { args } = await this.parse(LogSubmit);
    await using session = this.openSession();
    const what = args.reference;
    const [{ publicArtifact }, { openPost }, { submitTo }, { openUpstreams }, { proxiesIn }] =
      await Promise.all([
        import('../../authority/observing.ts'),
        import('../../authority/ask-authority.ts'),
        import('../../authority/submit.ts'),
        import('../../proxy/upstream.ts'),
        import('../../shims/proxies.ts'),
      ]);
    const artifact = await publicArtifact(what);
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
    const url = log?.url ?? '';
    const submission = await submitTo(url, artifact, post, new AbortController().signal);
    if ('waitS' in submission)
      throw new PyrsiaError('UPSTREAM_FAILED', {
        url,
        reason: `as much was submitted as one may: again in ${submission.waitS} s`,
      });
    if ('refused' in submission && submission.status === 404)
      throw new PyrsiaError('NOT_FOUND', { what: `${what} at ${artifact.where.upstream}` });
    if ('refused' in submission)
      throw new PyrsiaError('UPSTREAM_FAILED', { url, reason: submission.refused });
    await known(session);
    this.print(
      facts([
        ['entry', String(submission.entry)],
        ['kind', submission.kind],
        ['purl', submission.purl],
        ['sha256', submission.sha256],
        ['dispute', submission.dispute === undefined ? undefined : `entry ${submission.dispute}`],
      ]),
    );
    return submission;
  }
}

/** Has what was written down be known to this user's next installs; where it cannot be read now, they read it in their time. */
async function known(session: Session): Promise<void> {
  await using own = await openOwnLog(session);
  await own.client.refresh().catch(() => undefined);
}

const isDefined = (entry: [string, string | undefined]): entry is [string, string] => entry[1] !== undefined;
