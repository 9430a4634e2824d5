import * as Args from '@oclif/core/args';
import { cachedPath } from '../../command/lookup.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';

export default class CachePath extends PyrsiaCommand {
  static override summary = 'Print where the cache lies, or one file of it';
  static override examples = [
    '<%= config.bin %> cache path',
    'tar tzf "$(<%= config.bin %> cache path npm:lodash@4.17.21)"',
  ];
  static override args = { what: Args.string({ description: 'reference or digest' }) };

  async run(): Promise<{ readonly path: string }> {
    const { args } = await this.parse(CachePath);
    await using session = this.openSession();

    const path =
      args.what === undefined ? session.paths.cache : await cachedPath(await session.cache(), args.what);
    this.print(path);
    return { path };
  }
}
