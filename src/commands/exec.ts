import { splitExec } from '../command/exec-arguments.ts';
import { PyrsiaCommand } from '../command/pyrsia-command.ts';
import { runWrapped, type Wrapped } from '../command/run-wrapped.ts';
import { endAs } from '../shims/run-tool.ts';

export default class Exec extends PyrsiaCommand {
  static override summary = 'Run a command that fetches through pyrsia';
  static override description =
    'The command runs as it would without us: same terminal, signals and exit code. For npm, npx, mvn (and ./mvnw), gradle, docker, podman, buildah, skopeo and ctr we decide by their arguments; ' +
    "any other command (make, sh -c 'npm ci') gets an environment that leads every npm it starts to us.\n\n" +
    'If the agent cannot serve, the command runs without it and one line says so; with PYRSIA_STRICT=1 it does not run and the ' +
    'exit code is 125. PYRSIA=off runs the command as it is.\n\n' +
    "With --json the command's own output goes to stderr.";
  static override examples = [
    '<%= config.bin %> exec -- npm ci',
    "<%= config.bin %> exec -- sh -c 'npm ci && npm test'",
    '<%= config.bin %> exec -- docker run --rm nginx nginx -v',
    'PYRSIA_OFFLINE=1 <%= config.bin %> exec -- npm ci',
    'PYRSIA_REPORT=report.jsonl <%= config.bin %> exec -- npm ci',
  ];
  static override usage = 'exec [--json] -- COMMAND…';
  static override strict = false;

  async run(): Promise<Wrapped> {
    const { own, command } = splitExec(this.argv);
    await this.parse(Exec, [...own, '--']);
    if (command.length === 0) this.error('Nothing to run: give a command after --', { exit: 2 });
    const session = this.openSession();

    const json = this.jsonEnabled();
    const { error, ...wrapped } = await runWrapped(session, command, { stdout: json ? 'stderr' : 'inherit' });
    if (error !== undefined) this.say(`${command[0]}: ${error}`);
    await session[Symbol.asyncDispose]();
    if (json) this.logJson(wrapped);
    return endAs(wrapped);
  }

  override jsonEnabled(): boolean {
    return splitExec(this.argv).own.includes('--json');
  }
}
