import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../src/content/digest.ts';
import type { Ecosystem, Reference, Route, ToolCall } from '../../src/ecosystems/ecosystem.ts';

/** One package of an ecosystem, by which its conformance is shown. */
export interface EcosystemExamples {
  /** What users type for it, and what that means. */
  readonly references: Readonly<Record<string, Reference>>;
  /** What looks like this ecosystem's and cannot be read. */
  readonly malformed: readonly string[];
  /** GET requests, and the kind of answer to each. */
  readonly requests: Readonly<Record<string, Route['kind']>>;
  /** What is asked for, what that selects, and the request with which the tool fetches it. */
  readonly selects: Reference;
  readonly selected: { readonly version: string; readonly path: string; readonly digest: Digest };
  /** The global configuration of its tools, as something that they read. Default: a line of text. */
  readonly globalConfig?: string;
  /** What stands in that, and has to stay. Default: all of it. */
  readonly keeps?: string;
  /** Tools that read what we write besides what their user has. */
  readonly beside?: readonly string[];
  /** What a registry has that says by documents which digest a version has. */
  readonly documents?: {
    /** A listing with several versions, as the registry sends it. */
    readonly listing: Uint8Array;
    /** The small document that binds the selected version. */
    readonly document: Uint8Array;
    /** The listing says nothing of digests. */
    readonly listsNone?: true;
  };
  /** Calls that must not go through us, and one that may; the first word is the executable. */
  readonly stepsAside: readonly string[];
  readonly goesThrough?: readonly string[];
  /** Its tools can show no credential, and are let in because they belong to the same user. */
  readonly showsNone?: true;
}

/** What every {@link Ecosystem} must do. Each implementation runs this same suite. */
export function ecosystemConformance(ecosystem: Ecosystem, examples: EcosystemExamples): void {
  const { registry } = ecosystem;
  const { name } = examples.selects;
  const { version, path } = examples.selected;
  const coordinates = { ecosystem: ecosystem.name, name, version };
  const upstream = new URL('https://host.example:8443/some/prefix/');
  const toolOf = (call: string) => {
    const [executable, ...args] = call.split(' ');
    return { tool: ecosystem.tools.find((tool) => tool.executable === executable)!, args };
  };

  describe('as an Ecosystem', () => {
    it.each(Object.entries(examples.references))('reads %s', async (text, reference) => {
      expect(await ecosystem.parse(text)).toEqual(reference);
    });

    it.each(examples.malformed)('says why it cannot read %j', async (text) => {
      await expect(ecosystem.parse(text)).rejects.toThrowError(
        expect.objectContaining({ code: 'REFERENCE_MALFORMED' }),
      );
    });

    it('leaves references to others', async () => {
      expect(await ecosystem.parse('someone-else:thing@1')).toBeUndefined();
    });

    it.each(Object.entries(examples.requests))('routes %s as %s', (request, kind) => {
      expect(registry.route('GET', request, '', {})).toMatchObject({ kind });
    });

    it('recognises its own artifact, document and listings by their paths', () => {
      expect(registry.route('GET', path, '', {})).toMatchObject({ kind: 'artifact', coordinates });
      const binding = registry.document(coordinates) ?? [];
      if (registry.beside) {
        // Clients are told of the bytes that they get.
        const { path: beside } = registry.document(coordinates)!;
        expect(registry.route('GET', beside, '', {})).toMatchObject({
          kind: 'digest',
          of: { coordinates, path },
        });
      }
      for (const address of [registry.beside ? [] : binding, registry.listings(coordinates)].flat()) {
        expect(registry.route('GET', address.path, '', { accept: address.accept })).toMatchObject({
          kind: 'metadata',
          ...address,
        });
      }
    });

    it.each(['PUT', 'DELETE', 'PATCH', 'POST', 'CONNECT'])('refuses %s', (method) => {
      expect(registry.route(method, path, '', {})).toMatchObject({ kind: 'refused' });
    });

    it.each([
      '/../secret',
      '/a/..%2f..%2fsecret',
      '/%2e%2e/secret',
      '/a\\b',
      '/a%5cb',
      '/a%00',
      '/%C3%A9',
      '/%252e%252e',
      '/a%zz',
      '//host/a',
    ])('refuses the path %s', (request) => {
      expect(registry.route('GET', request, '', {})).toMatchObject({
        kind: 'refused',
        reason: expect.stringMatching(/./),
      });
    });

    const pieces = ['/', '/..', '/%2e%2E', '..', '.', '%2f', '@', ':', '\\', '?', '#', 'a', '%00', '//', ' '];
    test.prop([fc.array(fc.constantFrom(...pieces))])(
      'never locates a path outside of its registry',
      (parts) => {
        for (const registryUrl of [upstream, new URL('https://host.example/')]) {
          let url: URL;
          try {
            url = registry.locate(parts.join(''), registryUrl);
          } catch (error) {
            expect(error).toMatchObject({ code: 'REFERENCE_MALFORMED' });
            continue;
          }
          expect(url.href.startsWith(registryUrl.href)).toBe(true);
        }
      },
    );

    it("keeps the upstream's own path, and the query", () => {
      expect(registry.locate(`${path}?a=b`, upstream).href).toBe(
        `https://host.example:8443/some/prefix${path}?a=b`,
      );
      expect(registry.locate(path, new URL('http://127.0.0.1:1/')).href).toBe(`http://127.0.0.1:1${path}`);
    });

    it("calls a user's own copy by the name of one file", () => {
      const file = registry.fileName?.(coordinates) ?? path.split('/').at(-1);
      expect(file).toMatch(/^[^/\\\s]+$/);
    });

    it('knows where an exact version lies without a listing', () => {
      expect(registry.exact({ ...examples.selects, wanted: version })).toEqual({ coordinates, path });
    });

    it.each(['', '<html>login</html>', 'null', '[]', '"text"', '{"a":1}{"b":2}', '\0\0\0'])(
      'takes %j for no document',
      (text) => {
        expect(() => registry.check(Buffer.from(text), 'it')).toThrowError(
          expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
        );
      },
    );

    if (examples.documents) conformanceOfDocuments(ecosystem, examples, examples.documents);

    it('refuses so that a client can show why, whatever the message holds', () => {
      for (const kind of ['refused', 'unavailable'] as const) {
        const reply = registry.refuse(kind, `n\0 日本\r\nset-cookie: x ${'long '.repeat(500)}`);
        expect(reply.status).toBeGreaterThanOrEqual(400);
        expect(reply.body).toContain('set-cookie: x');
        expect(() => new Headers(reply.headers)).not.toThrow();
      }
    });

    it.each(examples.stepsAside)('stays out of the way of %s', (call) => {
      const { tool, args } = toolOf(call);
      expect(tool.stepAside(args)).toEqual(expect.stringMatching(/./));
    });

    it.each(examples.goesThrough ?? [])('goes with %s', (call) => {
      const { tool, args } = toolOf(call);
      expect(tool.stepAside(args)).toBeUndefined();
    });

    it.each(ecosystem.tools)(
      'tells by words that are written in sh what a call of $executable does',
      (tool) => {
        const { aside, idle, fetching, groups = [], options } = tool.calls;
        const words = [...aside, ...idle, ...fetching, ...groups];
        expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
        expect(words.filter((word) => !/^[a-z0-9-]+$/.test(word))).toEqual([]);
        expect([...aside, ...fetching].filter((word) => word.startsWith('-'))).toEqual([]);
        expect(options.filter((option) => !/^-[A-Za-z0-9-]+(=\*)?$/.test(option))).toEqual([]);
        for (const word of aside) expect([word, tool.stepAside([word])]).toEqual([word, expect.any(String)]);
        for (const word of [...idle, ...fetching])
          expect([word, tool.stepAside([word])]).toEqual([word, undefined]);
        for (const option of options) {
          const given = option.replace('*', 'x');
          for (const word of fetching)
            expect([given, tool.stepAside([given, word])]).toEqual([given, undefined]);
        }
      },
    );

    it.each(ecosystem.tools)('names what leads $executable, and what decides whom it asks', (tool) => {
      const { variables, otherVariables, led, projectFiles, lockfiles } = tool.settings;
      expect([...variables, ...led].filter((each) => !/^[A-Za-z_]\w*$/.test(each))).toEqual([]);
      expect(otherVariables.filter((each) => /^\w*$/.test(each))).toEqual([]);
      expect([...projectFiles, ...lockfiles].filter((file) => /[/\n]/.test(file))).toEqual([]);
      // What leads it would otherwise be taken for the user's.
      expect(led.filter((each) => !variables.includes(each))).toEqual([]);
      const { env } = tool.redirect({
        args: [],
        leading: [
          { upstream: 'https://host.example/', base: 'http://127.0.0.1:1/' },
          { upstream: 'https://acme.example/', base: 'http://127.0.0.1:2/', scope: '@acme' },
        ],
        credential: 'credential',
        globalConfig: '',
        besides: [],
        lockedHosts: [],
        replacedHost: 'replaced.example',
        unproxied: 'host.example',
        pathOf: (file) => `/launch/${file}`,
      });
      const set = Object.keys(env);
      expect(set.filter((each) => /^\w+$/.test(each) && !led.includes(each))).toEqual([]);
      const others = set.filter((each) => !/^\w+$/.test(each));
      expect(others.filter((each) => !otherVariables.some((start) => each.startsWith(start)))).toEqual([]);
    });

    it('shows its credential in files only', () => {
      const credential = 'b9a7c2d4-credential';
      const call: ToolCall = {
        args: [],
        leading: [{ upstream: 'https://host.example/', base: 'http://127.0.0.1:4873/' }],
        credential,
        globalConfig: examples.globalConfig ?? 'theirs=kept',
        besides: [],
        lockedHosts: [],
        pathOf: (file) => `/launch/${file}`,
      };
      for (const tool of ecosystem.tools) {
        const { env, args = [], files = {} } = tool.redirect(call);
        expect(JSON.stringify([env, args])).not.toContain(credential);
        if (!examples.showsNone) {
          expect(JSON.stringify([env, args, files])).toContain('127.0.0.1:4873');
          expect(Object.values(files).join('\n')).toContain(credential);
        }
        // Of what is led by a socket alone there is no file, and what stands beside its user's need not hold them.
        const isBeside = examples.beside?.includes(tool.executable) ?? false;
        if (!isBeside && (!examples.showsNone || Object.keys(files).length > 0))
          expect(Object.values(files).join('\n')).toContain(examples.keeps ?? call.globalConfig);
      }
    });
  });
}

function conformanceOfDocuments(
  { name: ecosystem, registry }: Ecosystem,
  { selects, selected: { version, path, digest } }: EcosystemExamples,
  { listing, document, listsNone }: NonNullable<EcosystemExamples['documents']>,
): void {
  const { name } = selects;
  const coordinates = { ecosystem, name, version };

  it('selects from a listing', () => {
    expect(registry.select(listing, selects)).toEqual({ coordinates, path, ...(!listsNone && { digest }) });
  });

  it('selects nothing that the listing does not have', () => {
    expect(registry.select(listing, { ...selects, wanted: '987.6.5' })).toBeUndefined();
    expect(registry.select(listing, { ...selects, name: `${name}x` })).toBeUndefined();
  });

  it('finds the same digest in the listing and in the small document', () => {
    expect(registry.digest(listing, coordinates)).toBe(listsNone ? undefined : digest);
    expect(registry.digest(document, coordinates)).toBe(digest);
  });

  it('takes no digest from a document about something else', () => {
    // What lies beside an artifact is about that one.
    for (const body of registry.beside ? [listing] : [listing, document]) {
      expect(registry.digest(body, { ...coordinates, name: `${name}x` })).toBeUndefined();
      expect(registry.digest(body, { ...coordinates, version: '987.6.5' })).toBeUndefined();
    }
  });

  it('accepts its own documents and no part of them', () => {
    for (const body of [listing, document]) {
      expect(() => registry.check(body, 'it')).not.toThrow();
      for (let length = 0; length < body.length; length++) {
        expect(() => registry.check(body.subarray(0, length), 'it')).toThrowError(
          expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
        );
      }
    }
  });
}
