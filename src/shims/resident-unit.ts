/**
 * A unit of the user's own systemd that keeps an agent running.
 *
 * @see systemd.service(5), systemd.syntax(7)
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { editFile } from './edit-file.ts';

/** Its name. */
export const UNIT = 'pyrsia.service';

/** Where the units lie that a user writes. */
export function unitFile(env: NodeJS.ProcessEnv, home: string): string {
  const { XDG_CONFIG_HOME: config } = env;
  return join(config?.startsWith('/') ? config : join(home, '.config'), 'systemd', 'user', UNIT);
}

/** The unit that runs `command` with these variables. */
export function unitText(
  [program = '', ...args]: readonly string[],
  variables: Readonly<Record<string, string>>,
): string {
  // Of the program `$` stands for itself.
  const words = [quoted(program), ...args.map((word) => quoted(word).replaceAll('$', '$$$$'))];
  const set = Object.entries(variables).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`);
  return [
    MADE,
    '[Unit]',
    "Description=Pyrsia's agent, kept running",
    '',
    '[Service]',
    `ExecStart=${words.join(' ')}`,
    ...set,
    'Restart=always',
    'RestartSec=10',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

const MADE = '# Made by pyrsia. To take it out: pyrsia node uninstall, pyrsia docker disable';
const ABOVE = /^# \((\d+) of the directories above were made for it\.\)\n/;

/** Writes it. Tells whether it is there; one that somebody else has made stays. @throws PyrsiaError `FILE_UNWRITABLE` */
export function writeUnit(file: string, unit: string): boolean {
  let isOurs = true;
  editFile(file, (text, directories) => {
    isOurs = text === undefined || text.includes(MADE);
    if (!isOurs) return { text };
    const [above = directories > 0 ? `# (${directories} of the directories above were made for it.)\n` : ''] =
      ABOVE.exec(text ?? '') ?? [];
    return { text: Buffer.from(`${above}${unit}`).toString('latin1') };
  });
  return isOurs;
}

/** Whether there is one of ours. */
export function isUnitOurs(file: string): boolean {
  try {
    return readFileSync(file, 'latin1').includes(MADE);
  } catch {
    return false;
  }
}

/** Removes it, if it is ours, and tells whether it was there. @throws PyrsiaError `FILE_UNWRITABLE` */
export function removeUnit(file: string): boolean {
  return editFile(file, (text) => {
    if (!text?.includes(MADE)) return { text };
    const [, directories = '0'] = ABOVE.exec(text) ?? [];
    return { text: undefined, directories: Number(directories) };
  });
}

function quoted(word: string): string {
  return `"${word.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('%', '%%')}"`;
}
