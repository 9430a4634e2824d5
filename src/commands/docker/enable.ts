import * as Flags from '@oclif/core/flags';
import { carryOut, difference, intend, reload } from '../../command/lead-docker.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { installUnit } from '../../command/stay.ts';
import { facts } from '../../command/table.ts';
import { confirmed, harmless } from '../../command/talk.ts';

/** What was done. */
interface Enabled {
  /** The daemon's own configuration, or the file that it reads besides. */
  readonly file: string;
  /** Our address in it. */
  readonly base: string;
  readonly outcome: 'written' | 'unchanged';
  /** Whether the daemon has read it. */
  readonly inForce: boolean;
  /** The unit that keeps the agent running; undefined where there is no systemd of the user's own. */
  readonly unit?: string;
}

export default class DockerEnable extends PyrsiaCommand {
  static override summary = 'Have docker’s daemon itself fetch through pyrsia, whoever asks it';
  static override description =
    'For one who is alone on a machine, and wants more than docker’s shim: its daemon’s own configuration names us as the first ' +
    'mirror of docker’s own registry. What is changed is shown first, and pyrsia docker disable gives it back byte for byte. ' +
    'The agent then stays, for which a unit of your own systemd is written.\n\n' +
    'It is refused where others may log in: whoever takes the port while no agent runs would choose what a daemon that is root runs. ' +
    'A daemon of version 29 and later reads a hosts.toml, for all registries: that was never tried, and wants --untested.';
  static override examples = ['<%= config.bin %> docker enable', '<%= config.bin %> docker enable --yes'];
  static override flags = {
    yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
    'config-file': Flags.string({
      summary: 'the daemon’s own configuration; default: what its process says',
      helpValue: 'FILE',
    }),
    untested: Flags.boolean({ summary: 'also where it was never tried: docker 29 and later' }),
  };

  async run(): Promise<Enabled> {
    const { flags } = await this.parse(DockerEnable);
    await using session = this.openSession();
    const intention = await intend(session, flags['config-file']);
    const { file, base, now, after, untested } = intention;
    if (untested && !flags.untested)
      this.error('What a daemon of version 29 and later reads was never tried: give --untested', { exit: 2 });
    const outcome = now === after ? 'unchanged' : 'written';
    if (outcome === 'written') {
      process.stderr.write(harmless(difference(file, now, after)));
      if (!flags.yes && !(await confirmed('Change it?')))
        this.error('Nothing was changed: confirm, or give --yes', { exit: 2 });
    }
    carryOut(session, intention);
    const inForce = untested || (await reload(intention, true));
    if (!inForce) this.say('The daemon has to read it: sudo systemctl reload docker');
    const unit = await installUnit(session, this.config.root);
    this.print(facts([[file, outcome], ...(unit === undefined ? [] : [[unit, 'enabled'] as const])]));
    return { file, base, outcome, inForce, ...(unit === undefined ? {} : { unit }) };
  }
}
