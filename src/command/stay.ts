/**
 * An agent that is kept running: by a unit of the user's own systemd, where there is one.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { existsSync } from 'node:fs';
import { agentCommand } from '../control/start.ts';
import { homeOf } from '../paths.ts';
import { agentEntry, type Session } from '../session.ts';
import { readDockerLed } from '../shims/docker-led.ts';
import { isResident } from '../shims/resident.ts';
import { isUnitOurs, removeUnit, UNIT, unitFile, unitText, writeUnit } from '../shims/resident-unit.ts';
import { say } from './talk.ts';

/** Asks the user's own systemd. Resolves to whether it did as it was told. */
export async function systemctl(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<boolean> {
  try {
    await promisify(execFile)('systemctl', ['--user', ...args], { env, timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * Has the user's own systemd keep an agent. Resolves to the file of its unit, or to undefined where there is no such systemd,
 * or the unit is somebody else's; then says so.
 */
export async function installUnit(session: Session, root: string): Promise<string | undefined> {
  const { env } = session;
  const file = unitFile(env, homeOf(env));
  const { command, variables } = agentCommand(agentEntry(root), env);
  if (!(await systemctl(env, 'show-environment'))) {
    say(
      'No systemd of your own answers: the agent stays until the machine is started again, and the next command starts it',
    );
    return undefined;
  }
  if (!writeUnit(file, unitText(command, variables))) {
    say(`${file} is there and none of ours, so it stays as it is`);
    return undefined;
  }
  await systemctl(env, 'daemon-reload');
  // Only one agent lives at a time, and that is to be systemd's.
  const { stopping } = await (await session.agent()).call('stop', { whenIdle: true });
  const isOn = await systemctl(env, 'enable', ...(stopping ? ['--now'] : []), UNIT);
  if (!isOn) say(`systemd does not enable ${UNIT}: systemctl --user status ${UNIT}`);
  say('It is there while you are logged in; at any time after: loginctl enable-linger');
  return file;
}

/** Takes the unit out, unless somebody else wants the agent to stay. Resolves to whether it was there. */
export async function releaseUnit({ env, paths }: Pick<Session, 'env' | 'paths'>): Promise<boolean> {
  if (isResident(paths.state) || readDockerLed(paths.state)) return false;
  const file = unitFile(env, homeOf(env));
  if (isUnitOurs(file) && (await systemctl(env, 'show-environment')))
    await systemctl(env, 'disable', '--now', UNIT);
  return removeUnit(file);
}

/** Whether there is a unit that keeps the agent. */
export function hasUnit({ env }: Pick<Session, 'env'>): boolean {
  return existsSync(unitFile(env, homeOf(env)));
}
