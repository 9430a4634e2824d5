import { describe, expect, it } from 'vitest';
import { type Card, formatNetwork, networkKeyOf, parseCard, quorumOf } from '../../src/log/network-file.ts';
import { parsePolicy } from '../../src/log/policy.ts';
import { signer, vkey } from './signers.ts';

const key = signer('net.example', 90);
const cardOf = (n: number): Card => ({
  organisation: `org${n}`,
  url: `https://a${n}.example/`,
  log: signer(`log.a${n}.example`, 100 + n).verifier,
  cosign: signer(`a${n}.example`, 110 + n, 'cosignature/v1').verifier,
  attest: signer(`a${n}.example`, 120 + n).verifier,
});
const cards = [1, 2, 3, 4].map(cardOf);
const text = formatNetwork(cards, key);

describe('A network file', () => {
  it('is a policy that other software reads', () => {
    const policy = parsePolicy(Buffer.from(text));
    expect([...policy.witnesses.keys()]).toEqual(['org1', 'org2', 'org3', 'org4']);
    expect(policy.quorum).toMatchObject({ least: 3 });
    expect(policy.logs.map(({ url }) => url)).toEqual(['https://a1.example/']);
  });

  it('is signed by the key that it names', () => {
    expect(networkKeyOf(Buffer.from(text)).id).toBe(key.verifier.id);
  });

  it('22: is refused when a byte of it has changed, so also when it asks for fewer', () => {
    const fewer = text.replace('group authorities 3', 'group authorities 1');
    expect(() => networkKeyOf(Buffer.from(fewer))).toThrow(/not signed by its key net.example/);
    expect(() => networkKeyOf(Buffer.from(`${text}log x\n`))).toThrow(/signature/);
    expect(() => networkKeyOf(Buffer.from(text.slice(0, -1)))).toThrow(/signature/);
    expect(() => networkKeyOf(Buffer.from('quorum none\n'))).toThrow(/first line/);
  });

  it('33: gives one organisation one vote, and no key two', () => {
    expect(() => formatNetwork([cards[0]!, { ...cards[1]!, organisation: 'org1' }], key)).toThrow(
      /organisation org1 is there twice/,
    );
    expect(() => formatNetwork([cards[0]!, { ...cards[1]!, attest: cards[0]!.attest }], key)).toThrow(
      /is there twice/,
    );
  });

  it.each([
    [1, 1],
    [3, 3],
    [4, 3],
    [7, 5],
    [10, 7],
  ])('of %d has a quorum of %d', (n, q) => expect(quorumOf(n)).toBe(q));
});

describe('The card of an authority', () => {
  const lines = [
    'organisation org1',
    'url https://a1.example/',
    `log ${vkey(signer('log.a1.example', 101))}`,
    `cosign ${vkey(signer('a1.example', 111, 'cosignature/v1'))}`,
    `attest ${vkey(signer('a1.example', 121))}`,
    'peer 12D3KooW',
    '',
  ];
  it('says who and where', () => {
    expect(parseCard(Buffer.from(lines.join('\n')), 'a card')).toMatchObject({
      organisation: 'org1',
      url: 'https://a1.example/',
      log: { name: 'log.a1.example' },
    });
  });
  it('is refused without a key, with two, or with one of another kind', () => {
    const without = lines.filter((line) => !line.startsWith('cosign'));
    expect(() => parseCard(Buffer.from(without.join('\n')), 'a card')).toThrow(/no line "cosign"/);
    expect(() => parseCard(Buffer.from([...lines, lines[2]].join('\n')), 'a card')).toThrow(/or several/);
    const other = lines.map((line) => line.replace(/^cosign .*/, `cosign ${vkey(signer('a', 1))}`));
    expect(() => parseCard(Buffer.from(other.join('\n')), 'a card')).toThrow(/one for ed25519/);
  });
});
