import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { entryAt, openLog, trusted, trustFlags, where } from '../../command/log-place.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { inclusionRanges, leafHash, prove } from '../../content/merkle.ts';
import { PyrsiaError } from '../../errors.ts';
import { formatProof, verifyProof } from '../../log/proof.ts';

export default class LogProof extends PyrsiaCommand {
  static override summary = 'Write the proof that an entry is in a log, for whoever has no network';
  static override description =
    'The proof is a c2sp.org/tlog-proof@v1 file: index, path and signed checkpoint. pyrsia log verify checks it, and so does other software.';
  static override examples = [
    '<%= config.bin %> log proof ./log 7 --policy log.policy',
    '<%= config.bin %> log proof ./log 7 --policy log.policy -o 7.tlog-proof',
  ];
  static override args = {
    log: where,
    index: Args.string({ description: 'which entry, counted from 0', required: true }),
  };
  static override flags = {
    ...trustFlags,
    output: Flags.string({ char: 'o', summary: 'write it to this file', helpValue: 'FILE' }),
  };

  async run(): Promise<{ index: number; proof: string; output?: string }> {
    const { args, flags } = await this.parse(LogProof);
    const policy = await trusted(flags);
    await using session = this.openSession();
    await using opened = await openLog(session, args.log, policy);
    const { index, entry } = await entryAt(opened, args.index);
    const { checkpoint, log, text } = opened;
    const path = await prove(inclusionRanges(index, checkpoint.size), log.readHashes);
    const proof = { index, path, checkpoint: text };
    // What we cannot check ourselves we do not hand out.
    verifyProof(proof, leafHash(entry), policy, `the proof of entry ${index}`);

    const written = formatProof(proof);
    const told = { index: Number(index), proof: written };
    if (flags.output === undefined) {
      if (!this.jsonEnabled()) process.stdout.write(written);
      return told;
    }
    try {
      await writeFile(resolve(session.cwd, flags.output), written);
    } catch (error) {
      throw new PyrsiaError('FILE_UNWRITABLE', {
        path: flags.output,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
    this.print(flags.output);
    return { ...told, output: flags.output };
  }
}
