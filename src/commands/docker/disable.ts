import * as Flags from '@oclif/core/flags';
import { difference, giveBack, reload, restoration } from '../../command/lead-docker.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { releaseUnit } from '../../command/stay.ts';
import { facts } from '../../command/table.ts';
import { confirmed, harmless } from '../../command/talk.ts';
import { findDaemon } from '../../shims/docker-daemon.ts';
import { type GivenBack, readDockerLed } from '../../shims/docker-led.ts';
import { dockerdsAt } from '../../shims/dockerd.ts';

/** What was done. */
interface Disabled {
  /** The daemon's file; undefined where nothing was led. */
  readonly file?: string;
  readonly outcome: GivenBack;
  /** Whether the daemon knows. */
  readonly inForce: boolean;
}

export default class DockerDisable extends PyrsiaCommand {
  static override summary = 'Give docker’s daemon its own configuration back';
  static override description =
    'Byte for byte where nobody else has changed the file since; else only our address is taken out. The unit of your own systemd goes, ' +
    'too, and the agent ends when nobody needs it.';
  static override examples = ['<%= config.bin %> docker disable', '<%= config.bin %> docker disable --yes'];
  static override flags = { yes: Flags.boolean({ char: 'y', summary: 'do not ask' }) };

  async run(): Promise<Disabled> {
    const { flags } = await this.parse(DockerDisable);
    await using session = this.openSession();
    const { env, paths } = session;
    const led = readDockerLed(paths.state);
    const back = restoration(paths.state);
    if (!led || !back) {
      this.say('Docker’s daemon is not led to pyrsia');
      return { outcome: 'unchanged', inForce: true };
    }
    const { file, now, after } = back;
    if (now !== undefined && now !== after) {
      process.stderr.write(harmless(difference(file, now, after)));
      if (!flags.yes && !(await confirmed('Change it?')))
        this.error('Nothing was changed: confirm, or give --yes', { exit: 2 });
    }
    const outcome = giveBack(paths.state);
    if (outcome === 'unchanged' && now !== undefined && now !== led.before)
      this.say(`${file} was changed since, and stays as it is`);
    const daemon = findDaemon([], env);
    const socket = 'socket' in daemon ? daemon.socket : undefined;
    const [process_] =
      socket === undefined ? [] : dockerdsAt(socket).filter(({ configFile }) => configFile === file);
    const inForce =
      socket !== undefined &&
      (await reload({ socket, base: led.base, ...(process_ && { pid: process_.pid }) }, false));
    if (!inForce) this.say('The daemon has to read it: sudo systemctl reload docker');
    await releaseUnit(session);
    this.print(facts([[file, outcome]]));
    return { file, outcome, inForce };
  }
}
