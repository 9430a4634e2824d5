/**
 * npm configured to ask us by itself: a registry setting that names a port of ours.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { loadNpmConfig } from '../shims/npm-config.ts';
import type { Finding, Fix } from './finding.ts';
import { leadsToUs } from './own-address.ts';
import type { Patient } from './patient.ts';

/** Looks at each registry that npm is configured with. */
export async function lookForOwnRegistry(patient: Patient): Promise<Finding[]> {
  const settings = await patient.npm().catch(() => undefined);
  const upstreams = settings?.upstreams.filter(({ url }) => leadsToUs(url, patient.paths.state)) ?? [];
  if (upstreams.length === 0) return [];
  const config = await loadNpmConfig(patient.npmContext);
  return upstreams.map(({ url, scope }): Finding => {
    const key = scope === undefined ? 'registry' : `${scope}:registry`;
    const where = config.setBy(key);
    return {
      id: 'npm-registry-ours',
      level: 'wrong',
      title: `npm's own configuration (${where}) names an address of pyrsia's: ${key} is ${url}`,
      cost: 'npm asks there without being led, and is refused; while no agent runs nobody answers at all',
      ...removal(key, where, patient),
    };
  });
}

function removal(
  key: string,
  where: string | null,
  { env, cwd, npmContext: { npm } }: Patient,
): { readonly remedy: string; readonly fix?: Fix } {
  if (where === 'env') {
    const name = Object.keys(env).find((each) => each.toLowerCase() === `npm_config_${key}`);
    return { remedy: `unset ${name ?? `npm_config_${key}`}` };
  }
  const args = ['config', 'delete', key, `--location=${where}`];
  const remedy = ['npm', ...args].join(' ');
  if (npm === undefined) return { remedy };
  return {
    remedy,
    fix: {
      what: `Take ${key} out of npm's ${where} configuration`,
      async run() {
        await promisify(execFile)(npm, args, { cwd, env });
        return `Took ${key} out of npm's ${where} configuration`;
      },
    },
  };
}
