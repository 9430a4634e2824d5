import { describe, expect, it } from 'vitest';
import { digestOf, integrityOf } from '../../src/content/digest.ts';
import { npm } from '../../src/ecosystems/npm/npm.ts';
import type { Copy, DocumentPlace } from '../../src/p2p/contract.ts';
import type { Asker } from '../../src/proxy/asker.ts';
import { openCopyService } from '../../src/proxy/copies.ts';
import { openReporter } from '../../src/resolve/reporter.ts';

const SEEN = Date.UTC(2026, 0, 1);
const ADDRESS = { path: '/left', accept: 'application/json' };

/** What a neighbour says the packument of `name` is. */
const packument = (name: string): Buffer => {
  const dist = { integrity: integrityOf(digestOf(Buffer.from(name), 'sha512')) };
  return Buffer.from(JSON.stringify({ name, versions: { '1.0.0': { name, version: '1.0.0', dist } } }));
};

/** Neighbours of which each gives this for a body that it said is that; and what they were asked. */
function neighbours(...given: readonly { readonly said: Buffer; readonly given?: Buffer }[]) {
  const asked: { place: DocumentPlace; onlyTrusted?: boolean }[] = [];
  const wrong: string[] = [];
  const copies = given.map(({ said }, i): Copy => ({
    peer: `peer ${i}`,
    encoding: 'identity',
    sha256: digestOf(said, 'sha256'),
    size: said.byteLength,
    seenAt: SEEN,
  }));
  const service = openCopyService({
    async copies(place, { onlyTrusted, accept } = {}) {
      asked.push({ place, ...(onlyTrusted !== undefined && { onlyTrusted }) });
      return accept === ADDRESS.accept ? copies : [];
    },
    async near({ digests: [digest], size = 0 }) {
      const at = copies.findIndex(({ sha256 }) => sha256 === digest);
      const { said, given: other = said } = given[at]!;
      return {
        size,
        peers: [`peer ${at}`],
        fetch: () => ({
          chunks: (async function* () {
            yield other;
          })(),
          given: () => [],
          wrong: () => wrong.push(`peer ${at}`),
        }),
      };
    },
  });
  return { service, asked, wrong };
}

const asker = (more: Partial<Asker> = {}, isPublic = true): Asker => ({
  upstream: { url: new URL('https://registry.example/'), name: 'npm', public: isPublic, ecosystem: npm },
  connection: { strictSsl: true },
  policy: 'observe',
  offline: 'PYRSIA_OFFLINE=1',
  copies: 'neighbours',
  reporter: openReporter({ launch: '', command: [], cwd: '/', startedAt: 0, policy: 'observe' }),
  ...more,
});

describe('a neighbour’s copy of a document', () => {
  it('is given as what it is: nobody is to keep it, and it has its time', async () => {
    const { service, asked } = neighbours({ said: packument('left') });
    const copied = await service.document(asker(), ADDRESS, 'left');
    expect(copied).toMatchObject({ peer: 'peer 0', seenAt: SEEN });
    expect(copied!.document).toMatchObject({ headers: { 'cache-control': 'no-store' }, checkedAt: SEEN });
    expect(copied!.document.headers['etag']).toBeUndefined();
    expect(asked).toEqual([
      { place: { upstream: 'https://registry.example/', path: '/left' }, onlyTrusted: false },
    ]);
  });

  it('is another’s where one gives other bytes than it said, or no such document', async () => {
    const { service, wrong } = neighbours(
      { said: packument('left'), given: packument('feft') },
      { said: packument('right') },
      { said: Buffer.concat([packument('left'), Buffer.from('\n')]) },
    );
    expect((await service.document(asker(), ADDRESS, 'left'))?.peer).toBe('peer 2');
    expect(wrong).toEqual(['peer 0']);
  });

  it.each([
    ['upstream can be asked', asker({ offline: undefined as never })],
    ['the registry is private', asker({}, false)],
    ['the user wants no peers', asker({ alone: true })],
    ['the user wants no copies', asker({ copies: undefined as never })],
  ])('is asked of nobody where %s', async (_, of) => {
    const { service, asked } = neighbours({ said: packument('left') });
    expect(await service.document(of, ADDRESS, 'left')).toBeUndefined();
    expect(await service.tag(of, '/v2/left/manifests/1', 'left')).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('is asked of nobody where its name may be its owner’s alone', async () => {
    const { service, asked } = neighbours({ said: packument('left') });
    const of = asker({ authorization: 'Bearer x' });
    expect(await service.document(of, { ...ADDRESS, path: '/@own%2fleft' }, '@own/left')).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('is asked of those whom the user trusts alone, where only they are believed', async () => {
    const { service, asked } = neighbours({ said: packument('left') });
    await service.document(asker({ copies: 'trusted' }), ADDRESS, 'left');
    expect(asked).toEqual([expect.objectContaining({ onlyTrusted: true })]);
  });
});
