/**
 * What all commands have in common: `--json`, exit codes, and where they talk.
 *
 * @module
 */
import { Command } from '@oclif/core/command';
import { openSession, type Session } from '../session.ts';
import { exitCodeOf, failureOf } from './failure.ts';
import { say } from './talk.ts';

/** A command of ours: `run` returns the value that `--json` prints. */
export abstract class PyrsiaCommand extends Command {
  static override enableJsonFlag = true;

  /** Opens the session of this process; whoever opens it disposes of it. */
  protected openSession(): Session {
    return openSession({ version: this.config.version, root: this.config.root });
  }

  /** Writes data on stdout, unless `--json` prints it all at the end. */
  protected print(text: string): void {
    if (!this.jsonEnabled() && text !== '') process.stdout.write(`${text}\n`);
  }

  /** Says something on stderr. */
  protected say(text: string): void {
    say(text);
  }

  override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
  }

  override toErrorJson(error: unknown): { error: ReturnType<typeof failureOf> } {
    return { error: failureOf(error) };
  }

  override catch(error: Error): Promise<void> {
    process.exitCode = exitCodeOf(error);
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error));
    else this.say(process.env['DEBUG'] ? (error.stack ?? error.message) : failureOf(error).message);
    return Promise.resolve();
  }
}
