import { resolve } from 'node:path';
import { splitExec } from '../command/exec-arguments.ts';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { restored } from '../shims/environment.ts';
import { findTool } from '../shims/find-tool.ts';
import { endAs, runTool, type ToolResult } from '../shims/run-tool.ts';

export default class Bypass extends PyrsiaCommand {
  static override summary = 'Run a command as if pyrsia were not there';
  static override description =
    'Same terminal, signals and exit code, and every shim below it passes by. It is what PYRSIA=off does, for shells and ' +
    "scripts in which that is clumsy.\n\nWith --json the command's own output goes to stderr.";
  static override examples = [
    '<%= config.bin %> bypass -- npm ci',
    "<%= config.bin %> bypass -- sh -c 'npm ci && npm test'",
  ];
  static override usage = 'bypass [--json] -- COMMAND…';
  static override strict = false;

  async run(): Promise<ToolResult> {
    const { own, command } = splitExec(this.argv);
    await this.parse(Bypass, [...own, '--']);
    const [name, ...args] = command;
    if (name === undefined) this.error('Nothing to run: give a command after --', { exit: 2 });
    await using session = this.openSession();
    const { cwd, paths } = session;

    const env: NodeJS.ProcessEnv = { ...restored(session.env), PYRSIA: 'off' };
    const endings = env['PATHEXT'];
    const executable = /[/\\]/.test(name)
      ? resolve(cwd, name)
      : findTool(name, env['PATH'], { cwd, skip: [paths.shims], ...(endings && { endings }) });
    const stdout = this.jsonEnabled() ? 'stderr' : 'inherit';
    const { error, ...result }: ToolResult =
      executable === undefined
        ? { code: 127, error: 'command not found' }
        : await runTool(executable, args, { env, stdout });
    if (error !== undefined) this.say(`${name}: ${error}`);
    if (this.jsonEnabled()) this.logJson(result);
    return endAs(result);
  }

  override jsonEnabled(): boolean {
    return splitExec(this.argv).own.includes('--json');
  }
}
