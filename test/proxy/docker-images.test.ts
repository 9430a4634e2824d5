import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/proxy/docker-engine.ts';
import { answerImages } from '../../src/proxy/docker-images.ts';

/** What a client is told that asks for `target`, and whether it is told at all. No daemon is there. */
async function told(target: string, strict?: string) {
  const notes: string[] = [];
  let said = '';
  const parts = {
    engine: openEngine('/nowhere/docker'),
    ours: () => undefined,
    lend: () => {},
    mayAsk: () => false,
    given: () => undefined,
    strict,
    whyNot: () => undefined,
    note: (text: string) => void notes.push(text),
  };
  const isAnswered = await answerImages(parts, {
    method: 'POST',
    target,
    headers: new Map(),
    write: (text) => void (said += text),
    signal: new AbortController().signal,
  });
  return { isAnswered, said, notes };
}

describe('All tags of an image at once', () => {
  const target = '/v1.41/images/create?fromImage=images.example%2Fapp&tag=';

  it('are left to the daemon, which the receipt tells', async () => {
    const { isAnswered, said, notes } = await told(target);
    expect([isAnswered, said]).toEqual([false, '']);
    expect(notes).toEqual([expect.stringContaining('what pyrsia does not fetch')]);
  });

  it('are not to be had where the daemon must not fetch past us', async () => {
    const { isAnswered, said, notes } = await told(target, 'PYRSIA_OFFLINE=1');
    expect([isAnswered, notes]).toEqual([true, []]);
    expect(said).toMatch(/^HTTP\/1\.1 500 [^]*what pyrsia does not fetch.*\(PYRSIA_OFFLINE=1\)/);
  });

  it('are all that is refused: what is no pull goes on as it came', async () => {
    const { isAnswered, said, notes } = await told('/images/create?fromSrc=-', 'PYRSIA_OFFLINE=1');
    expect([isAnswered, said, notes]).toEqual([false, '', []]);
  });
});
