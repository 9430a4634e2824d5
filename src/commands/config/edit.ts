import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sayWhenInForce } from '../../command/in-force.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { parseConfigFile, userConfigPath, writeConfigFile } from '../../config/config-file.ts';
import { problemsIn } from '../../config/edit-config.ts';
import { KEYS } from '../../config/settings.ts';
import { PyrsiaError } from '../../errors.ts';
import { makeOurs } from '../../ours.ts';

export default class ConfigEdit extends PyrsiaCommand {
  static override summary = 'Edit the settings with $VISUAL or $EDITOR; what is wrong is not put in force';
  static override examples = ['<%= config.bin %> config edit', 'EDITOR=nano <%= config.bin %> config edit'];

  async run(): Promise<{ readonly path: string; readonly changed: boolean }> {
    await this.parse(ConfigEdit);
    await using session = this.openSession();
    const path = userConfigPath(session.paths);
    const copy = `${path.replace(/\.json$/, '')}.edited.json`;

    makeOurs(dirname(path));
    // A copy that was kept because it had problems is what the user wants to go on with.
    if (!existsSync(copy)) {
      if (existsSync(path)) copyFileSync(path, copy);
      else writeFileSync(copy, '{}\n');
      chmodSync(copy, 0o600);
    }
    const before = readFileSync(copy, 'utf8');
    openEditor(session.env, copy);
    const after = readFileSync(copy, 'utf8');
    const problems = problemsIn(copy, after);
    if (problems.length > 0) {
      throw new PyrsiaError('CONFIG_INVALID', {
        problems: [
          ...problems,
          `Nothing was changed; your text is kept in ${copy}: pyrsia config edit goes on with it`,
        ],
      });
    }
    writeConfigFile(path, after);
    rmSync(copy);
    const [was, is] = [before, after].map((text) => parseConfigFile(path, text).entries);
    await sayWhenInForce(
      session,
      KEYS.filter((key) => was?.[key] !== is?.[key]),
    );
    return { path, changed: before !== after };
  }
}

function openEditor(env: NodeJS.ProcessEnv, path: string): void {
  const editor = env['VISUAL'] || env['EDITOR'] || (process.platform === 'win32' ? 'notepad' : 'vi');
  // As git does: the variable is a command line of its own, "code --wait" for instance.
  const { status, signal, error } =
    process.platform === 'win32'
      ? spawnSync(`${editor} "${path}"`, { stdio: 'inherit', shell: true, env })
      : spawnSync('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit', env });
  if (status !== 0) {
    const reason = error?.message ?? `it ended with ${signal ?? `exit code ${status}`}`;
    throw new PyrsiaError('CONFIG_INVALID', {
      problems: [`The editor "${editor}" failed, nothing was changed: ${reason}`],
    });
  }
}
