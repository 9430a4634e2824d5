import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keptPorts } from '../../src/control/ports.ts';

let state: string;
beforeEach(() => (state = mkdtempSync(join(tmpdir(), 'pyrsia-control-'))));
afterEach(() => rmSync(state, { recursive: true }));
const silent = (): void => {};

describe('kept ports', () => {
  it('are those of the agent before', () => {
    keptPorts(state, silent).keep('npm', 40_001);
    keptPorts(state, silent).keep('http://localhost:4873/', 40_002);
    const ports = keptPorts(state, silent);
    expect([ports.get('npm'), ports.get('http://localhost:4873/'), ports.get('maven')]).toEqual([
      40_001,
      40_002,
      undefined,
    ]);
    expect(readFileSync(join(state, 'ports'), 'utf8')).toBe(
      'pyrsia-ports-1\n40001 npm\n40002 http://localhost:4873/\n',
    );
  });

  it('belong to one upstream each', () => {
    const ports = keptPorts(state, silent);
    ports.keep('npm', 40_001);
    ports.keep('npm', 40_003);
    ports.keep('maven', 40_003);
    expect([ports.get('npm'), ports.get('maven')]).toEqual([undefined, 40_003]);
  });

  it('are forgotten when the file has another format, a line at a time when that is malformed', () => {
    writeFileSync(join(state, 'ports'), 'pyrsia-ports-2\n40001 npm\n');
    expect(keptPorts(state, silent).get('npm')).toBeUndefined();
    writeFileSync(join(state, 'ports'), 'pyrsia-ports-1\n99999 npm\n40001\n22 cargo\n40002 maven\n');
    const ports = keptPorts(state, silent);
    expect(['npm', 'cargo', 'maven'].map((name) => ports.get(name))).toEqual([undefined, undefined, 40_002]);
  });

  it('are lost with a line in the log where nothing can be written', () => {
    const said: string[] = [];
    keptPorts('/dev/null/state', (line) => said.push(line)).keep('npm', 40_001);
    expect(said).toEqual([expect.stringMatching(/^Cannot keep port 40001 of npm: /)]);
  });
});
