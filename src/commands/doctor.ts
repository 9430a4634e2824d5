import * as Flags from '@oclif/core/flags';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { confirmed, harmless } from '../command/talk.ts';
import { examine, type Examined } from '../doctor/examine.ts';
import { type Finding, GROUPS } from '../doctor/finding.ts';
import type { Session } from '../session.ts';

/** A finding as `--json` shows it. */
export interface Diagnosis extends Pick<Finding, 'id' | 'level' | 'title' | 'cost' | 'remedy'> {
  /** Whether `--fix` can repair it. */
  readonly fixable: boolean;
}

export default class Doctor extends PyrsiaCommand {
  static override summary = 'Find out what is wrong, what it costs, and what repairs it';
  static override description =
    'Looks at shims, PATH, agent, cache, registries and settings; it starts no agent and changes nothing. ' +
    'The exit code is 1 when something is wrong. With --fix it then repairs what it can, asking about each, and looks again.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --fix',
    '<%= config.bin %> doctor --fix --yes',
    '<%= config.bin %> doctor --json',
  ];
  static override flags = {
    fix: Flags.boolean({ summary: 'repair what can be repaired, after asking' }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask', dependsOn: ['fix'] }),
  };

  async run(): Promise<Diagnosis[]> {
    const { flags } = await this.parse(Doctor);
    await using session = this.openSession();
    let examined = await this.examined(session);
    const fixable = examined.findings.filter(({ fix }) => fix);
    if (flags.fix && fixable.length > 0) {
      if (!flags.yes && !process.stdin.isTTY)
        this.error('Nothing was repaired: confirm on a terminal, or give --yes', { exit: 2 });
      for (const finding of fixable) await this.repair(finding, flags.yes);
      await using afterwards = this.openSession();
      examined = await this.examined(afterwards);
    }
    this.print(told(examined));
    if (examined.findings.some(({ level }) => level === 'wrong')) process.exitCode = 1;
    return examined.findings.map(({ fix, id, level, title, cost, remedy }) => {
      return { id, level, title, cost, remedy, fixable: fix !== undefined };
    });
  }

  private examined(session: Session): Promise<Examined> {
    const { version, env, cwd, paths, config } = session;
    const { root } = this.config;
    return examine({ version, root, env, cwd, paths, config, agent: () => session.agent() });
  }

  /** Says what was done, or why it could not be done. */
  private async repair({ title, fix }: Finding, unasked: boolean): Promise<void> {
    if (!unasked && !(await confirmed(`${title}. ${fix!.what}?`))) return;
    try {
      this.say(await fix!.run());
    } catch (error) {
      this.say(`Not repaired: ${title}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Findings, and on a terminal what was looked at without finding anything. */
function told({ findings, sound }: Examined): string {
  const found = findings.map(
    ({ id, level, title, cost, remedy }) =>
      `${level === 'wrong' ? 'Wrong' : 'Note'}: ${title} (${id})\n  cost    ${cost}\n  repair  ${remedy}\n`,
  );
  const fine = process.stdout.isTTY ? sound.map((group) => `Fine: ${GROUPS[group]}`) : [];
  const wrong = findings.filter(({ level }) => level === 'wrong').length;
  const sum = wrong === 0 ? 'Nothing is wrong' : `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong`;
  return harmless([...found, ...fine, sum + offer(findings.filter(({ fix }) => fix))].join('\n'));
}

/** What `--fix` would do: notes are nothing to repair. */
function offer(fixable: readonly Finding[]): string {
  const wrong = fixable.filter(({ level }) => level === 'wrong').length;
  const notes = fixable.length - wrong;
  const deeds = [
    wrong > 0 ? `repair ${wrong}` : '',
    notes > 0 ? `see to ${notes} ${notes === 1 ? 'note' : 'notes'}` : '',
  ].filter(Boolean);
  return deeds.length === 0 ? '' : `; pyrsia doctor --fix can ${deeds.join(' and ')}`;
}
