import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { formatRate, MEANING, renewPeers } from '../command/peer-talk.ts';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { readConfigFile, userConfigPath, writeConfigFile } from '../config/config-file.ts';
import { change } from '../config/edit-config.ts';
import { isWithin } from '../config/hours.ts';
import { readConfig } from '../config/read-config.ts';
import type { ShareMode } from '../config/settings.ts';
import { readLinks } from '../p2p/lan.ts';
import { quietLinks, setQuiet } from '../p2p/quiet-places.ts';
import type { Session } from '../session.ts';

/** What is in force. */
interface Sharing {
  readonly peers: 'on' | 'off';
  readonly share: ShareMode;
  /** Who says so. */
  readonly origin: string;
  /** Whether nothing is given at this place, whatever else is chosen. */
  readonly quietHere: boolean;
  /** Whether this is one of the hours within which anybody is given something. */
  readonly withinHours: boolean;
  /** In bytes per second. */
  readonly up: number | 'unlimited';
  readonly down: number | 'unlimited';
}

export default class Share extends PyrsiaCommand {
  static override summary = 'Choose with whom what is public is shared; without a choice, say what holds';
  static override description =
    'off gives nobody anything, lan those on links with private addresses, public everybody. What is private is never given. ' +
    'It holds at once.';
  static override examples = [
    '<%= config.bin %> share',
    '<%= config.bin %> share off',
    '<%= config.bin %> share off --here',
    '<%= config.bin %> share lan --up-limit 1MB --down-limit unlimited',
  ];
  static override args = {
    mode: Args.string({ description: 'with whom', options: ['off', 'lan', 'public'] }),
  };
  static override flags = {
    here: Flags.boolean({
      summary:
        'at this place only, known again by its gateway: off gives nothing here, lan and public do again',
    }),
    'up-limit': Flags.string({ summary: 'the most that is given in a second', helpValue: 'SIZE' }),
    'down-limit': Flags.string({ summary: 'the most that is taken in a second', helpValue: 'SIZE' }),
  };

  async run(): Promise<Sharing> {
    const { args, flags } = await this.parse(Share);
    await using session = this.openSession();
    const changes = Object.entries({
      share: flags.here ? undefined : args.mode,
      'share.up': flags['up-limit'],
      'share.down': flags['down-limit'],
    }).filter((each): each is [string, string] => each[1] !== undefined);
    if (flags.here) this.quietHere(session, args.mode);
    if (changes.length > 0) {
      const file = readConfigFile(userConfigPath(session.paths));
      writeConfigFile(file.path, change(file, changes));
    }
    if (flags.here || changes.length > 0) await renewPeers(session);
    const sharing = inForce(session);
    this.print(told(sharing));
    if (!flags.here && args.mode !== undefined && args.mode !== sharing.share)
      this.say(`${sharing.origin} says ${sharing.share}, which is stronger`);
    return sharing;
  }

  private quietHere(session: Session, mode: string | undefined): void {
    if (mode === undefined) this.error('Say what is to hold here: pyrsia share off --here', { exit: 2 });
    if (setQuiet(session.paths.state, readLinks(), mode === 'off') > 0) return;
    this.error('This place has no gateway to know it again by: pyrsia share off holds everywhere', {
      exit: 2,
    });
  }
}

/** Read anew, since it may have been changed. */
function inForce({ paths, env, cwd }: Session): Sharing {
  const { values, origins } = readConfig(paths, env, cwd);
  const places = readLinks().filter(({ gateway }) => gateway);
  return {
    peers: values.peers,
    share: values.share,
    origin: origins.share.origin,
    quietHere: places.length > 0 && places.every(quietLinks(paths.state)),
    withinHours: isWithin(values['share.hours'], new Date()),
    up: values['share.up'],
    down: values['share.down'],
  };
}

function told({ peers, share, quietHere, withinHours, up, down }: Sharing): string {
  if (peers === 'off') return 'Peers are off: no other computer is asked or answered';
  if (quietHere && share !== 'off')
    return `Sharing is off here, and ${share} elsewhere: pyrsia share ${share} --here has it so here, too`;
  if (!withinHours && share !== 'off')
    return `Sharing is off at this time of the day, and ${share} at others: pyrsia config get share.hours`;
  const limits =
    up === 'unlimited' && down === 'unlimited' ? '' : `; given ${rateOf(up)}, taken ${rateOf(down)}`;
  return `Sharing is ${share}${limits}. ${MEANING[share]}`;
}

function rateOf(limit: number | 'unlimited'): string {
  return formatRate(limit === 'unlimited' ? undefined : limit);
}
