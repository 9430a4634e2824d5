/**
 * What the tools of each ecosystem are configured to do: who reads it.
 *
 * @module
 */
import { dirname } from 'node:path';
import type { EcosystemName } from '../content/coordinates.ts';
import { npxAsExec } from '../ecosystems/npm/npx.ts';
import { calledGradle } from '../ecosystems/maven/gradle.ts';
import { restored } from '../shims/environment.ts';
import { findTool } from '../shims/find-tool.ts';
import { readGradleSettings } from '../shims/gradle-settings.ts';
import { readMavenSettings } from '../shims/maven-settings.ts';
import { openNodeFinder } from '../shims/node-finder.ts';
import { readNpmSettings } from '../shims/npm-settings.ts';
import { environmentOf } from '../shims/process-environment.ts';
import type { ToolSettings } from '../shims/settings.ts';
import type { ReadSettings } from './sessions.ts';

/** Reads the settings of the tools of one ecosystem. */
type Reader = (
  tool: string | undefined,
  context: Parameters<ReadSettings>[2] & { readonly skip: readonly string[] },
) => Promise<ToolSettings>;

/** Opens the readers of all ecosystems that have settings; `shims`: where stand-ins lie, which are no tools. */
export function openSettingsReaders(shims: string): ReadSettings {
  const findNode = openNodeFinder();
  const readers: Readonly<Partial<Record<EcosystemName, Reader>>> = {
    npm: async (tool, context) => readNpm(tool, context, findNode),
    maven: readMaven,
  };
  return async ({ name }, tool, context) => {
    const read = readers[name];
    if (!read) throw new Error(`Nobody reads settings of ${name}`);
    return read(tool, { ...context, skip: [shims] });
  };
}

/** A command of ours asks as the mvn would that is on the user's PATH. */
async function readMaven(
  tool: string | undefined,
  { skip, ...context }: Parameters<Reader>[1],
): Promise<ToolSettings> {
  if (tool === calledGradle.executable) return readGradleSettings(context);
  const found = context.executable ?? findTool('mvn', context.env['PATH'], { skip });
  return readMavenSettings({
    ...context,
    ...(found === undefined ? {} : { executable: found }),
    forWrapper: tool === undefined,
  });
}

async function readNpm(
  tool: string | undefined,
  { executable, pid, skip, ...context }: Parameters<Reader>[1],
  findNode: ReturnType<typeof openNodeFinder>,
): Promise<ToolSettings> {
  const { cwd, env } = context;
  const { PATH: path } = env;
  // The arguments of another command, or of a script, are not npm's.
  const args = tool === 'npm' ? context.args : ((tool === 'npx' ? npxAsExec(context.args) : undefined) ?? []);
  const isNpms = tool === 'npm' || tool === 'npx';
  const onPath = isNpms && executable !== undefined ? executable : findTool('npm', path, { skip });
  const first =
    findTool('node', path, { skip }) ??
    (onPath === undefined ? undefined : findTool('node', dirname(onPath)));
  // A version manager may want to know more than we keep of a launch.
  const all = pid === undefined ? env : await environmentOf(pid).then(restored, () => env);
  const node = first === undefined ? undefined : await findNode(first, { cwd, env: { ...all, ...env } });
  // Where it stands in for node, it does for npm.
  const npm = (node?.varies ? findTool('npm', dirname(node.path)) : undefined) ?? onPath;
  const settings = await readNpmSettings({
    ...context,
    args,
    ...(npm === undefined ? {} : { npm }),
    ...(node === undefined ? {} : { node: node.path }),
  });
  return { ...settings, ...(node?.varies && { varies: true }) };
}
