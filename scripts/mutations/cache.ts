import { guardsIn } from './mutation.ts';

/** What is kept is what was proven, nobody else's, and no more than fits. */
export const cacheGuards = [
  ...guardsIn(
    'src/cache/shelf.ts',
    'test/cache/content-store.test.ts',
    {
      why: 'Damaged content is served',
      find: 'if (actual !== sha256) throw',
      replace: 'if (actual.length === 0) throw',
      only: 'damaged small content',
    },
    {
      why: 'Damaged content is never replaced',
      find: 'await dropContent(shelf, sha256);\n  return new PyrsiaError',
      replace: 'return new PyrsiaError',
      only: 'damaged small content',
    },
  ),
  ...guardsIn('src/cache/shelf.ts', 'test/cache/verify.test.ts', {
    why: 'A reader removes what the writer keeps',
    find: 'if (!shelf.writing) return;',
    replace: 'if (!shelf.writing) return void removeFile(contentPath(shelf.layout, sha256), DEPTH.content);',
    only: 'may not write',
  }),
  ...guardsIn(
    'src/cache/content-store.ts',
    'test/cache/content-store.test.ts',
    {
      why: 'Damaged large content is served',
      find: 'whole ? verified(pieces, { digests: [sha256], size }) : pieces',
      replace: 'pieces',
      only: 'damaged large content',
    },
    {
      why: 'Content that was cut short on the disk is begun',
      find: 'if (actualSize !== size) throw await damaged(shelf, sha256, `${actualSize} bytes`);',
      replace: '',
      only: 'cut short',
    },
    {
      why: 'A part of large content passes for proven',
      find: 'proven: whole ? digests : []',
      replace: 'proven: digests',
      only: 'part of large content',
    },
    {
      why: 'What is cached can be written by accident',
      find: 'placeFile(layout, path, parts, 0o444)',
      replace: 'placeFile(layout, path, parts, 0o644)',
      only: '0444',
    },
  ),
  ...guardsIn(
    'src/cache/contents.ts',
    'test/cache/memory-store.test.ts',
    {
      why: 'Content that contradicts one of the digests that are wanted is served',
      find: 'if (!held || contradiction(digests, held.digests)) return undefined;',
      replace: 'if (!held) return undefined;',
    },
    {
      why: 'Content of another size than is wanted is served',
      find: 'return size === undefined || size === held.size ? held : undefined;',
      replace: 'return held;',
    },
  ),
  ...guardsIn(
    'src/cache/layout.ts',
    'test/cache/content-store.test.ts',
    {
      why: 'The mode of what is cached depends on the umask',
      find: 'fchmodSync(file, mode);',
      replace: '',
      only: '0444',
    },
    {
      why: 'Other users may look into the cache',
      find: 'mkdirSync(directory, { recursive: true, mode: 0o700 });',
      replace: 'mkdirSync(directory, { recursive: true, mode: 0o755 });',
      only: '0444',
    },
  ),
  ...guardsIn(
    'src/cache/documents.ts',
    'test/cache/documents.test.ts',
    {
      why: 'A damaged document is served',
      find: "if (bytes.toString('latin1', 0, 65) !== `${hexOf(digestOf(checked, 'sha256'))}\\n`) return undefined;",
      replace: '',
    },
    {
      why: 'A document answers for another address, once its file lies there',
      find: 'return document && digestOfKey(document) === key ? document : undefined;',
      replace: 'return document;',
    },
    {
      why: 'Other users may read documents',
      find: 'placeFile(layout, path, parts, 0o600);',
      replace: 'placeFile(layout, path, parts, 0o644);',
    },
  ),
  ...guardsIn(
    'src/cache/bindings.ts',
    'test/cache/bindings.test.ts',
    {
      why: 'A first use is forgotten at the second',
      find: 'const replace = changes || binding.reason !== undefined;',
      replace: 'const replace = true;',
    },
    {
      why: 'What was merely declared leads to content that has other digests',
      find: 'held !== undefined && digests.every((digest) => held.digests.includes(digest));',
      replace: 'held !== undefined;',
    },
    {
      why: 'The record forgets a digest of content that its binding does not name',
      find: 'if (measured && held.digests.every((digest) => digests.includes(digest)))',
      replace: 'if (measured)',
      only: 'an entry of its own',
    },
  ),
  ...guardsIn('src/cache/append-entry.ts', 'test/cache/bindings.test.ts', {
    why: 'A torn line of the record takes the next one with it',
    find: '`\\n${hexOf(',
    replace: '`${hexOf(',
    only: 'torn',
  }),
  ...guardsIn('src/cache/memory-layer.ts', 'test/cache/robustness.test.ts', {
    why: 'A first use on the disk is overruled in memory',
    find: 'if (replace || !below.get(binding)) addBinding',
    replace: 'addBinding',
    only: 'overrules none',
  }),
  ...guardsIn('src/cache/ledger.ts', 'test/cache/verify.test.ts', {
    why: 'A damaged line of the record makes something public',
    find: 'private: isPrivate !== false,',
    replace: 'private: isPrivate === true,',
    only: 'cannot read of the record',
  }),
  ...guardsIn('src/cache/ledger.ts', 'test/cache/bindings.test.ts', {
    why: 'After a rebuild what was merely declared leads to content',
    find: 'measured: measured === true,',
    replace: 'measured: true,',
  }),
  ...guardsIn(
    'src/cache/catalogue.ts',
    'test/cache/verify.test.ts',
    {
      why: 'A catalogue that was never finished passes for the whole',
      find: "?.['user_version'] === SCHEMA_VERSION",
      replace: "?.['user_version'] !== undefined",
      only: 'not finished',
    },
    {
      why: 'A damaged catalogue is relied on',
      find: 'if (isCurrent(database) && isSound(database))',
      replace: 'if (isCurrent(database))',
      only: 'damaged in the middle',
    },
  ),
  ...guardsIn('src/cache/catalogue.ts', 'test/cache/robustness.test.ts', {
    why: 'A reader leaves files of its own',
    find: "if (!existsSync(wal) || !existsSync(shm)) url.searchParams.set('immutable', '1');",
    replace: '',
    only: 'creates no file beside',
  }),
  ...guardsIn('src/cache/open-cache.ts', 'test/cache/robustness.test.ts', {
    why: 'A cache that is only to be read is written',
    find: 'if (readOnly !== false)',
    replace: "if (readOnly === 'never')",
    only: 'where there is none, and makes none',
  }),
  ...guardsIn(
    'src/cache/room.ts',
    'test/cache/room.test.ts',
    {
      why: 'Everything is given up for what cannot fit',
      find: 'if (bytes + BESIDE > limit * LOW_WATER) throw refused(bytes);',
      replace: '',
      only: 'can never fit',
    },
    {
      why: 'The cache outgrows its limit',
      find: 'if (mayExceed()) {',
      replace: 'if (mayExceed() && taken() > limit * 10) {',
      only: 'whatever is stored',
    },
    {
      why: 'What a broken transfer has left stands in the way of what is new',
      find: 'if (!dryRun) await giveUpBeginnings(target);',
      replace: '',
      only: 'gives up what is left',
    },
    {
      why: 'What is arriving is given up for what else arrives',
      find: 'if (!isArriving(name))',
      replace: 'if (name)',
      only: 'gives up what is left',
    },
  ),
  ...guardsIn('src/cache/appending.ts', 'test/cache/partial.test.ts', {
    why: 'What comes faster than the disk writes fills the memory',
    find: 'return come - written > BEHIND;',
    replace: 'return false;',
    only: 'waits for the disk',
  }),
  ...guardsIn('src/cache/appending.ts', 'test/cache/appending.test.ts', {
    why: 'Each bit that a slow line brings is written by itself',
    find: 'await gathered();',
    replace: '',
    only: 'in one trip',
  }),
  ...guardsIn(
    'src/cache/partial.ts',
    'test/cache/partial.test.ts',
    {
      why: 'A transfer ends, and what waited to be written is lost',
      find: 'await appending.over();\n      await file.close();',
      replace: 'await file.close();',
      only: 'another process too',
    },
    {
      why: 'Who reads along gets the end before it is proven',
      find: "outcome === 'finished' ? size : appending.written - HELD_BACK",
      replace: 'size',
    },
    {
      why: 'What arrived is stored without a comparison',
      find: "measure(wanted, ['sha256'])",
      replace: "measure({ digests: [] }, ['sha256'])",
    },
    {
      why: 'Two transfers write into one file',
      find: 'strongest !== undefined && !writing.has(strongest)',
      replace: 'strongest !== undefined',
    },
    {
      why: 'The next transfer goes on behind what turned out wrong',
      find: 'await end(reason, false).catch',
      replace: 'await end(reason, true).catch',
    },
    {
      why: 'Large content that is cached can be written by accident',
      find: 'await file.chmod(0o444);',
      replace: '',
    },
    {
      why: 'What nobody asked for by digest is taken for the beginning of something',
      find: 'suspend: async (reason) => end(reason, resumable)',
      replace: 'suspend: async (reason) => end(reason, true)',
    },
  ),
  ...guardsIn('src/cache/hashed-file.ts', 'test/cache/hashed-file.test.ts', {
    why: 'What tools are filled with is the first that a full cache drops',
    find: "shelf.writing?.later.used('content', sha256);",
    replace: '',
    only: 'counts as used',
  }),
  ...guardsIn('src/cache/verify.ts', 'test/cache/verify.test.ts', {
    why: 'Damage is passed over',
    find: 'if (actual !== undefined && actual !== sha256) {',
    replace: 'if (actual === undefined) {',
  }),
  ...guardsIn('src/cache/verify.ts', 'test/cache/partial.test.ts', {
    why: 'What is arriving is collected',
    find: 'if (partials.isOpen(file.name)) continue;',
    replace: '',
  }),
];
