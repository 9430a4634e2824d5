/**
 * The shims: whether they are ours, complete, of this version, and of this installation.
 *
 * @module
 */
import { lstatSync } from 'node:fs';
import type { CalledTool } from '../ecosystems/ecosystem.ts';
import { installShim, readShim, shimFile, type ShimPlace, shimPlace, shimsIn } from '../shims/shim-files.ts';
import { type ShimState, shimStates } from '../shims/shim-states.ts';
import type { Finding, Fix } from './finding.ts';
import type { Patient } from './patient.ts';
import { differenceOf, faultOf } from './shim-fault.ts';
import { TOOLS } from './tools.ts';
import { word } from '../shims/sh.ts';

/** Where the shims of a patient are. */
export function placeOf({ paths, env, cwd, root }: Patient): ShimPlace {
  return shimPlace(paths, env, cwd, root);
}

/** Looks at each shim, and at what lies beside them. */
export async function lookAtShims(patient: Patient): Promise<Finding[]> {
  const place = placeOf(patient);
  const states = shimStates(
    TOOLS.map(({ executable }) => executable),
    place,
  );
  const each = states.map((state, i) => ofState(TOOLS[i]!, state, place, patient));
  return [...(await Promise.all(each)).flat(), ...strangers(place, states)];
}

async function ofState(
  tool: CalledTool,
  state: ShimState,
  place: ShimPlace,
  patient: Patient,
): Promise<Finding[]> {
  const header = readShim(tool.executable, place);
  if (header === undefined) return [];
  if (header === 'foreign') return [overwritten(tool, state, place)];
  const { file, real } = state;
  const findings: Finding[] = [];
  if (real === undefined) {
    findings.push({
      id: 'shim-toolless',
      level: 'note',
      title: `${file} stands in for ${tool.executable}, of which there is none on the PATH`,
      cost: `${tool.executable} is not found, with or without pyrsia`,
      remedy: `pyrsia shim uninstall ${tool.executable}`,
    });
  }
  if (header.disabled) {
    findings.push({
      id: 'shim-disabled',
      level: 'note',
      title: `The shim for ${tool.executable} is switched off`,
      cost: `${tool.executable} runs as if pyrsia were not there`,
      remedy: `pyrsia shim enable ${tool.executable}`,
    });
  }
  const wrong = (await faultOf(tool, state, header, patient)) ?? differenceOf(tool, file, header, place);
  // What is right for another shell, or switched off, is not made anew unasked.
  const isMeant = header.disabled || wrong?.level === 'note';
  if (wrong) findings.push({ level: 'wrong', ...wrong, ...renewal(tool, place, isMeant) });
  return findings;
}

function overwritten(tool: CalledTool, { file }: ShimState, place: ShimPlace): Finding {
  const stat = lstatSync(file);
  const what = stat.isSymbolicLink() ? 'a link' : stat.isFile() ? `a file of ${stat.size} bytes` : 'no file';
  return {
    id: 'shim-overwritten',
    level: 'wrong',
    title: `Somebody has overwritten the shim for ${tool.executable}: ${file} is ${what}, and none of ours`,
    cost: `A typed ${tool.executable} runs that, without pyrsia`,
    remedy: `pyrsia shim install ${tool.executable} --force`,
    fix: {
      what: `Put the shim for ${tool.executable} in its place`,
      run: () => {
        installShim(tool, place);
        return Promise.resolve(`Wrote ${file}`);
      },
    },
  };
}

function renewal(
  tool: CalledTool,
  place: ShimPlace,
  isMeant: boolean,
): { readonly remedy: string; readonly fix?: Fix } {
  const remedy = `pyrsia shim install ${tool.executable}`;
  if (isMeant) return { remedy };
  return {
    remedy,
    fix: {
      what: `Make the shim for ${tool.executable} anew`,
      run: () => {
        installShim(tool, place);
        return Promise.resolve(`Wrote ${shimFile(tool.executable, place)}`);
      },
    },
  };
}

/** Programs that others have put where ours come first. */
function strangers(place: ShimPlace, states: readonly ShimState[]): Finding[] {
  const ours = new Set(states.map(({ file }) => file));
  const others = shimsIn(place).others.filter((path) => !ours.has(path));
  if (others.length === 0) return [];
  return [
    {
      id: 'shim-strangers',
      level: 'note',
      title: `In the directory of the shims lies what is none of ours: ${others.join(', ')}`,
      cost: 'It comes before everything else on the PATH, and stays when the shims go',
      remedy: `rm -r ${others.map(word).join(' ')}`,
    },
  ];
}
