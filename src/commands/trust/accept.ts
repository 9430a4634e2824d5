import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import type { Methods } from '../../control/protocol.ts';

export default class TrustAccept extends PyrsiaCommand {
  static override summary = 'Accept that a package has other bytes than were seen before';
  static override description =
    'Registries do not change what they have published, so a change is refused until a human has looked. The reason is kept and shown by pyrsia why.';
  static override examples = [
    '<%= config.bin %> trust accept npm:@acme/tools@1.2.0 --reason "republished after the registry was restored"',
  ];
  static override args = { reference: Args.string({ description: 'package and version', required: true }) };
  static override flags = { reason: Flags.string({ summary: 'why that is all right', required: true }) };

  async run(): Promise<Methods['trust.accept']['result']> {
    const { args, flags } = await this.parse(TrustAccept);
    if (flags.reason.trim() === '') this.error('The reason is empty', { exit: 2 });
    await using session = this.openSession();

    const agent = await session.agent();
    const accepted = await agent.call('trust.accept', { reference: args.reference, reason: flags.reason });
    this.print(`Accepted ${accepted.purl} as ${accepted.digest}`);
    return accepted;
  }
}
