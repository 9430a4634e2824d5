/**
 * What the commands about shims have in common.
 *
 * @module
 */
import type { CalledTool } from '../ecosystems/ecosystem.ts';
import { tools as all } from '../ecosystems/tools.ts';
import { PyrsiaError } from '../errors.ts';
import type { Session } from '../session.ts';
import { setDisabled, shimFile, type ShimPlace, shimPlace, shimsIn } from '../shims/shim-files.ts';
import { PyrsiaCommand } from './pyrsia-command.ts';
import { facts } from './table.ts';

/** The tools that there are shims for. */
export const shimmable: readonly CalledTool[] = all;

/** A shim that was switched off or on, or was so before. */
export interface Switched {
  readonly tool: string;
  readonly file: string;
  readonly outcome: 'disabled' | 'enabled' | 'unchanged';
}

/** A command that takes names of tools. */
export abstract class ShimCommand extends PyrsiaCommand {
  protected placeOf({ paths, env, cwd }: Session): ShimPlace {
    return shimPlace(paths, env, cwd, this.config.root);
  }

  /** The tools with these names, each once. Ends the command where there is none of such a name. */
  protected toolsNamed(names: readonly unknown[]): readonly CalledTool[] {
    return [...new Set(names)].map((name) => {
      const tool = shimmable.find(({ executable }) => executable === name);
      const known = shimmable.map(({ executable }) => executable).join(', ');
      return tool ?? this.error(`There is no shim for "${String(name)}", only for ${known}`, { exit: 2 });
    });
  }

  /** Switches the shims for `names` off or on; without names all that there are. */
  protected switchTo(disabled: boolean, names: readonly unknown[], place: ShimPlace): Switched[] {
    const installed = shimsIn(place).tools;
    const named = this.toolsNamed(names);
    const tools =
      names.length > 0 ? named : shimmable.filter(({ executable }) => installed.includes(executable));
    if (tools.length === 0) throw new PyrsiaError('NOT_FOUND', { what: 'any shim: pyrsia shim install' });
    const switched = tools.map((tool): Switched => {
      const changed = setDisabled(tool, place, disabled);
      const outcome = !changed ? 'unchanged' : disabled ? 'disabled' : 'enabled';
      return { tool: tool.executable, file: shimFile(tool.executable, place), outcome };
    });
    this.print(facts(switched.map(({ tool, outcome }) => [tool, outcome])));
    return switched;
  }
}
