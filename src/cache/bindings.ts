/**
 * The memory of first uses, kept by the record and looked up in the catalogue.
 *
 * @module
 */
import { purlOf } from '../content/coordinates.ts';
import { algorithmOf, type Digest, digestWith } from '../content/digest.ts';
import type { Binding, BindingKey, Bindings } from './cache.ts';
import type { Catalogue, Row } from './catalogue.ts';
import { columnsOf, contentWith, digestsFrom, inOrder } from './contents.ts';
import { ecosystemFrom } from './ecosystem-names.ts';
import { cannotWrite } from './layout.ts';
import type { Ledger } from './ledger.ts';
import type { Shelf } from './shelf.ts';

/** The bindings of `shelf`, which is writable. */
export function bindingsOf(shelf: Shelf, ledger: Ledger): Bindings {
  return {
    ...readBindings(shelf.catalogue),
    put: async (binding, options) => bind(shelf, ledger, binding, options),
  };
}

/** What the catalogue knows, for a cache that is only read. */
export function readBindings(catalogue: Catalogue): Pick<Bindings, 'get' | 'find'> {
  return {
    get({ upstream, coordinates: { ecosystem, name, version, file = '' } }) {
      const row = catalogue.get(
        `SELECT * FROM binding
         WHERE upstream = ? AND ecosystem = ? AND name = ? AND version = ? AND file = ?`,
        upstream,
        ecosystem,
        name,
        version,
        file,
      );
      return row && bindingFrom(row);
    },

    find(what) {
      if ('digest' in what) return withDigest(catalogue, what.digest);
      const { ecosystem, name, version = null, file = null } = what;
      return catalogue
        .all(
          `SELECT * FROM binding WHERE ecosystem = ? AND name = ?
           AND version = coalesce(?, version) AND file = coalesce(?, file) ORDER BY seen_at`,
          ecosystem,
          name,
          version,
          file,
        )
        .map(bindingFrom);
    },
  };
}

/** Enters a binding into the catalogue. Returns false when there is one and it may not be replaced. */
export function addBinding(
  catalogue: Catalogue,
  binding: Binding,
  { measured, replace }: { readonly measured: boolean; readonly replace: boolean },
): boolean {
  const { upstream, coordinates, digests, size = null, seenAt, reason = null } = binding;
  const { ecosystem, name, version, file = '' } = coordinates;
  const [sha256, sha512, sha1] = columnsOf(digests);
  const [strongest] = inOrder(digests);
  const learned = sha256 === null && strongest ? contentWith(catalogue, strongest)?.sha256 : undefined;

  return catalogue.transaction(() => {
    const key = [upstream, ecosystem, name, version, file];
    if (replace) {
      catalogue.run(
        'DELETE FROM binding WHERE upstream = ? AND ecosystem = ? AND name = ? AND version = ? AND file = ?',
        ...key,
      );
    }
    const added = catalogue.run(
      `INSERT INTO binding (upstream, ecosystem, name, version, file, purl, sha256, sha512, sha1, measured, learned,
         size, private, seen_at, reason) VALUES (${Array(15).fill('?').join(', ')}) ON CONFLICT DO NOTHING`,
      ...key,
      purlOf(coordinates),
      sha256,
      sha512,
      sha1,
      Number(measured),
      learned ?? null,
      size,
      Number(binding.private),
      seenAt,
      reason,
    );
    return added > 0;
  });
}

function bind(
  { catalogue, layout, writing }: Shelf,
  ledger: Ledger,
  binding: Binding,
  { changes = false }: { readonly changes?: boolean } = {},
): void {
  const { digests } = binding;
  const sha256 = digestWith(digests, 'sha256');
  const held = sha256 && contentWith(catalogue, sha256);
  // Whether the content is here and every digest is known to be its own.
  const measured = held !== undefined && digests.every((digest) => held.digests.includes(digest));
  try {
    const replace = changes || binding.reason !== undefined;
    if (!addBinding(catalogue, binding, { measured, replace })) return;
    ledger.bind(binding, measured);
    if (measured && held.digests.every((digest) => digests.includes(digest)))
      writing?.later.bound(held.sha256);
  } catch (error) {
    throw cannotWrite(layout, error);
  }
}

function withDigest(catalogue: Catalogue, digest: Digest): Binding[] {
  // The algorithm is one of three words, never input. Content knows more of its digests than a binding may.
  const sha256 = contentWith(catalogue, digest)?.sha256 ?? null;
  return catalogue
    .all(
      `SELECT * FROM binding WHERE ${algorithmOf(digest)} = ?1 OR sha256 = ?2 ORDER BY seen_at`,
      digest,
      sha256,
    )
    .map(bindingFrom);
}

function bindingFrom(row: Row): Binding {
  return {
    ...keyFrom(row),
    digests: digestsFrom(row),
    ...(row['size'] !== null && { size: Number(row['size']) }),
    private: row['private'] === 1,
    seenAt: Number(row['seen_at']),
    ...(row['reason'] !== null && { reason: String(row['reason']) }),
  };
}

function keyFrom({ upstream, ecosystem, name, version, file }: Row): BindingKey {
  return {
    upstream: String(upstream),
    coordinates: {
      ecosystem: ecosystemFrom(ecosystem),
      name: String(name),
      version: String(version),
      ...(file !== '' && { file: String(file) }),
    },
  };
}
