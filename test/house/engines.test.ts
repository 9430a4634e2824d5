import { execFileSync, spawnSync } from 'node:child_process';
import { fc, test } from '@fast-check/vitest';
import { satisfies } from 'semver';
import { describe, expect, it } from 'vitest';
import { supports } from '../../bin/engines.js';
import manifest from '../../package.json' with { type: 'json' };

const versions = fc
  .tuple(fc.integer({ min: 10, max: 30 }), fc.integer({ min: 0, max: 30 }), fc.nat(5))
  .map((numbers) => numbers.join('.'));

/** Starts the program on a Node that claims to be `version`. */
function startOn(version: string) {
  const claim = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`;
  return spawnSync(process.execPath, ['--import', claim, 'bin/run.js', '--version'], { encoding: 'utf8' });
}

describe('the version of Node', () => {
  test.prop([versions], { numRuns: 2000 })('is judged as semver judges it', (found) => {
    expect(supports(manifest.engines.node, found)).toBe(satisfies(found, manifest.engines.node));
  });

  it('is refused in one line, with what is needed, when it is too old', () => {
    const { status, stdout, stderr } = startOn('20.20.2');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toBe(`pyrsia needs Node ${manifest.engines.node}, this is 20.20.2\n`);
  });

  it('is no obstacle when it is the one of the tests', () => {
    const said = execFileSync(process.execPath, ['bin/run.js', '--version'], { encoding: 'utf8' });
    expect(said).toMatch(/^pyrsia\/\d+\.\d+\.\d+\S* \w+-\w+ node-v[\d.]+\n$/);
  });
});
