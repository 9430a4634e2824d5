import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityFile, openIdentity } from '../../src/p2p/identity.ts';

describe('the identity of a machine among its peers', () => {
  let state: string;
  beforeEach(() => (state = mkdtempSync(join(tmpdir(), 'identity-'))));
  afterEach(() => rmSync(state, { recursive: true }));

  it('is made once, and then the same', async () => {
    const made = await openIdentity(state);
    expect(await openIdentity(state)).toEqual(made);
  });

  it('has the name that libp2p gives its key', async () => {
    const { name, secret } = await openIdentity(state);
    expect(name).toBe(peerIdFromPrivateKey(privateKeyFromRaw(secret)).toString());
  });

  it('is its user’s alone', async () => {
    await openIdentity(state);
    expect(statSync(identityFile(state)).mode & 0o777).toBe(0o600);
    expect(statSync(join(state, 'peer')).mode & 0o777).toBe(0o700);
  });

  it('is the same for processes that make it at once', async () => {
    const module = join(import.meta.dirname, '../../src/p2p/identity.ts');
    const script = `const { openIdentity } = await import(process.argv[1]); console.log((await openIdentity(process.argv[2])).name)`;
    const one = (): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, module, state]);
    const here = await Promise.all(Array.from({ length: 8 }, async () => openIdentity(state)));
    expect(new Set(here.map(({ name }) => name)).size).toBe(1);
    rmSync(identityFile(state));
    const names = (await Promise.all([one(), one(), one(), one()])).map(({ stdout }) => stdout.trim());
    const { name } = await openIdentity(state);
    expect(names).toEqual([name, name, name, name]);
  });

  it.each([
    ['is empty', () => ''],
    ['is cut off', (text: string) => text.slice(0, 60)],
    ['has another bit in its seed', (text: string) => changed(text, 10)],
    ['has another bit in its public key', (text: string) => changed(text, 50)],
    ['is a key of another kind', (text: string) => changed(text, 1)],
  ])('is refused when its file %s, and not replaced', async (_, damage) => {
    await openIdentity(state);
    const text = damage(readFileSync(identityFile(state), 'utf8'));
    writeFileSync(identityFile(state), text);
    await expect(openIdentity(state)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
    expect(readFileSync(identityFile(state), 'utf8')).toBe(text);
  });
});

function changed(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64');
  bytes[at]! ^= 1;
  return bytes.toString('base64');
}
