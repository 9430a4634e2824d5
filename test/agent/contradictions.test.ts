import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openContradictions } from '../../src/agent/contradictions.ts';
import { digestOf } from '../../src/content/digest.ts';
import type { Contradiction } from '../../src/proxy/artifact-service.ts';

let state: string;
beforeEach(() => (state = mkdtempSync(join(tmpdir(), 'pyrsia-state-'))));
afterEach(() => rmSync(state, { recursive: true }));

const silent = () => {};
const found = (name: string, more: Partial<Contradiction> = {}): Contradiction => ({
  upstream: 'npm',
  coordinates: { ecosystem: 'npm', name, version: '1.0.0' },
  expected: digestOf(Buffer.from('before'), 'sha256'),
  actual: digestOf(Buffer.from(name), 'sha256'),
  private: false,
  at: 1,
  ...more,
});

describe('what was refused', () => {
  it('is remembered by the next agent, for the user only, until it is accepted', () => {
    const first = openContradictions(state, silent);
    first.add(found('left'));
    first.add(found('right'));
    expect(statSync(join(state, 'contradictions.json')).mode & 0o777).toBe(0o600);

    const second = openContradictions(state, silent);
    expect(second.find(found('left').coordinates)).toEqual(found('left'));
    second.remove(found('left'));
    const third = openContradictions(state, silent);
    expect(third.find(found('left').coordinates)).toBeUndefined();
    expect(third.find(found('right').coordinates)).toEqual(found('right'));
  });

  it('is the latest of each package and registry, and another registry’s is another', () => {
    const memory = openContradictions(state, silent);
    const elsewhere = found('left', { upstream: 'https://npm.corp.example/' });
    memory.add(elsewhere);
    memory.add(found('left'));
    memory.add(found('left', { at: 2 }));
    expect(memory.find(elsewhere.coordinates)).toMatchObject({ upstream: 'npm', at: 2 });
    memory.remove(found('left'));
    expect(memory.find(elsewhere.coordinates)).toEqual(elsewhere);
    memory.remove(elsewhere);
    expect(memory.find(elsewhere.coordinates)).toBeUndefined();
  });

  it('is forgotten beyond the last five hundred', () => {
    const many = Array.from({ length: 500 }, (_, n) => found(`p${n}`));
    writeFileSync(join(state, 'contradictions.json'), JSON.stringify(many));
    const memory = openContradictions(state, silent);
    memory.add(found('left'));
    expect(memory.find(found('p0').coordinates)).toBeUndefined();
    expect(memory.find(found('p1').coordinates)).toBeDefined();
    expect(JSON.parse(readFileSync(join(state, 'contradictions.json'), 'utf8'))).toHaveLength(500);
  });

  it.each([
    ['is torn', '[{"upstream":'],
    ['is no list', '{}'],
    ['holds other things', JSON.stringify([null, 1, 'x', { ...found('left'), actual: 'sha256:../../x' }])],
  ])('is forgotten when its file %s', (_, text) => {
    writeFileSync(join(state, 'contradictions.json'), text);
    expect(openContradictions(state, silent).find(found('left').coordinates)).toBeUndefined();
  });

  it('is remembered for as long as the agent lives where nothing can be written, and the log says so', () => {
    const said: string[] = [];
    const memory = openContradictions('/dev/null/state', (text) => said.push(text));
    memory.add(found('left'));
    expect(memory.find(found('left').coordinates)).toEqual(found('left'));
    expect(said).toEqual([expect.stringContaining('Cannot remember what was refused')]);
  });
});
