import { guardsIn } from './mutation.ts';

/** Nothing of a log is believed that nobody has signed, or that is not in its tree. */
export const logGuards = [
  ...guardsIn('src/proxy/asking-log.ts', 'test/e2e/logged.test.ts', {
    why: 'What is private is looked for',
    find: 'if (asker.upstream.public) await log.lookUp(',
    replace: 'await log.lookUp(',
    only: '54: what is private',
  }),
  ...guardsIn('src/trust/evidence-files.ts', 'test/trust/evidence-files.test.ts', {
    why: 'An entry about other bytes is kept as evidence',
    find: 'const evidence = verifyEvidence({ purl, sha256 }, found.entry, read, network);',
    replace: 'const evidence = {} as Evidence;',
    only: 'is not kept of other bytes',
  }),
  ...guardsIn('src/agent/fill.ts', 'test/agent/fill.test.ts', {
    why: 'What was here before is linked without the log being asked',
    find: 'await askLog(pinned);',
    replace: '',
    only: '47: asks the log',
  }),
  ...guardsIn(
    'src/trust/look-ups.ts',
    'test/trust/look-ups.test.ts',
    {
      why: 'What was just submitted is unknown to the next install',
      find: 'const isNews = client.askedAt() !== knownAt;',
      replace: 'const isNews = false;',
      only: 'takes up at once',
    },
    {
      why: 'Each package waits ten seconds for a log that does not answer',
      find: 'delay(wasLate ? IMPATIENCE_MS : patienceMs,',
      replace: 'delay(patienceMs,',
      only: 'waits once',
    },
  ),
  ...guardsIn(
    'src/proxy/http-tiles.ts',
    'test/proxy/http-tiles.test.ts',
    {
      why: 'A few bytes that unpack to 128 MiB are unpacked',
      find: 'headers: reply.headers }, limit);',
      replace: 'headers: reply.headers });',
      only: 'unpacks',
    },
    {
      why: 'One of several who have a log keeps its clients from the others',
      find: "headers: { 'accept-encoding': 'gzip' }, signal }",
      replace: "headers: { 'accept-encoding': 'gzip' } }",
      only: 'drip',
    },
  ),
  ...guardsIn(
    'src/resolve/receipt.ts',
    'test/resolve/receipt.test.ts',
    {
      why: 'What is private is submitted to strangers',
      find: '!isPrivate &&',
      replace: '',
      only: 'What may be submitted',
    },
    {
      why: 'What was refused, or had with credentials, is submitted to strangers',
      find: "(outcome === 'delivered' || outcome === 'linked') &&",
      replace: '',
      only: 'What may be submitted',
    },
  ),
  ...guardsIn('src/resolve/reporter.ts', 'test/resolve/reporter.test.ts', {
    why: 'What was fetched offline is submitted all the same',
    find: '(submits && log && about.offline === undefined &&',
    replace: '(submits && log &&',
    only: 'are submitted',
  }),
  ...guardsIn(
    'src/agent/submitting.ts',
    'test/agent/submitting.test.ts',
    {
      why: 'What nobody has switched on is submitted',
      find: 'if (receipt.submitted === undefined || over.signal.aborted) return;',
      replace: 'if (over.signal.aborted) return;',
    },
    {
      why: 'Any number may wait to be submitted',
      find: 'waiting.size < QUEUE_LIMIT && isNew(purl)',
      replace: 'isNew(purl)',
    },
    {
      why: 'What cannot be submitted is tried at every install',
      find: "if (typeof ended === 'string') return remember(purl);",
      replace: "if (typeof ended === 'string') return;",
      only: 'again after an hour',
    },
  ),
  ...guardsIn(
    'src/verify/logged.ts',
    'test/verify/logged.test.ts',
    {
      why: 'What was called back is let through',
      find: 'if (latest?.kind === recordKinds.revoke)',
      replace: 'if (false)',
    },
    {
      why: 'Under locked a view that is held back does as well as a new one',
      find: "return standing.old ? 'unknown to a log whose view is too old' : undefined;",
      replace: 'return undefined;',
    },
  ),
  ...guardsIn(
    'src/log/evidence.ts',
    'test/log/evidence.test.ts',
    {
      why: 'The right bytes of another package pass for this one',
      find: 'if (observation.purl !== purl) throw',
      replace: 'if (false) throw',
    },
    {
      why: 'One observer is as good as a quorum',
      find: 'if (!agreed(network, signed)) throw',
      replace: 'if (false) throw',
    },
    {
      why: 'What was only seen passes for what was built',
      find: "if (least !== 'observed') throw",
      replace: 'if (false) throw',
    },
  ),
  ...guardsIn('src/log/fork.ts', 'test/trust/log-client.test.ts', {
    why: 'Two checkpoints of one log pass for a fork',
    find: 'equalHashes(shorter.root, fork.root) ||',
    replace: '',
    only: 'proof of a fork no two',
  }),
  ...guardsIn('src/log/freshness.ts', 'test/trust/log-client.test.ts', {
    why: 'Who is ahead of time makes a frozen view look new',
    find: 'time !== undefined && time <= latest ? [time] : []',
    replace: 'time !== undefined ? [time] : []',
    only: '17: does not',
  }),
  ...guardsIn(
    'src/trust/log-client.ts',
    'test/trust/log-client.test.ts',
    {
      why: 'A log that contradicts what was believed is gone on from',
      find: 'for (const each of kept) if (!(await begins(next, each))) throw await freeze(each, next);',
      replace: '',
      only: '24, 29',
    },
    {
      why: 'An old checkpoint takes the place of a newer one',
      find: 'const isNewest = newest === undefined || next.checkpoint.size >= newest.checkpoint.size;',
      replace: 'const isNewest = true;',
      only: '14: never',
    },
    {
      why: 'A log that was seen to fork is asked again',
      find: 'if (fork !== undefined) throw forked(fork);',
      replace: '',
      only: '24, 29',
    },
  ),
  ...guardsIn('src/log/index-files.ts', 'test/log/index-files.test.ts', {
    why: 'Any bucket passes for one of the index that the log names',
    find: 'if (!provesInclusion(way, BigInt(number), leaf, head))',
    replace: 'if (false)',
  }),
  ...guardsIn(
    'src/log/network-file.ts',
    'test/log/network-file.test.ts',
    {
      why: 'A network file that somebody has loosened is believed',
      find: "if (key.type !== 'ed25519' || key.check(text.slice(0, at), signature) === undefined)",
      replace: 'if (false)',
    },
    {
      why: 'One operator has several votes',
      find: 'if (twice !== undefined) throw',
      replace: 'if (false) throw',
    },
  ),
  ...guardsIn(
    'src/content/merkle.ts',
    'test/content/merkle.test.ts',
    {
      why: 'A leaf passes for a node, and an entry can be made of hashes',
      find: 'sha256(Buffer.concat([LEAF, entry]))',
      replace: 'sha256(entry)',
    },
    {
      why: 'An entry is proven that the log is too short for',
      find: 'if (index < 0n || index >= size) return false;',
      replace: '',
    },
    {
      why: 'A proof of inclusion may be longer than the way to the root',
      find: '  for (const p of proof) {\n    if (sn === 0n) return false;\n',
      replace: '  for (const p of proof) {\n',
    },
    {
      why: 'A proof of inclusion may stop below the root',
      find: 'return sn === 0n && equalHashes(r, root);',
      replace: 'return equalHashes(r, root);',
      only: 'proves no other leaf',
    },
    {
      why: 'Any tree includes any entry',
      find: 'return sn === 0n && equalHashes(r, root);',
      replace: 'return sn === 0n;',
    },
    {
      why: 'A log may become shorter',
      find: 'if (older.size < 0n || older.size > newer.size) return false;',
      replace: '',
    },
    {
      why: 'An empty tree may have any root',
      find: 'proof.length === 0 && equalHashes(older.root, EMPTY_ROOT)',
      replace: 'proof.length === 0',
    },
    {
      why: 'Two trees of one size may differ',
      find: 'proof.length === 0 && equalHashes(older.root, newer.root)',
      replace: 'proof.length === 0',
    },
    {
      why: 'A log may exchange what it had',
      find: 'sn === 0n && equalHashes(fr, older.root) && equalHashes(sr, newer.root)',
      replace: 'sn === 0n && equalHashes(sr, newer.root)',
    },
    {
      why: 'A log may go on with anything',
      find: 'sn === 0n && equalHashes(fr, older.root) && equalHashes(sr, newer.root)',
      replace: 'sn === 0n && equalHashes(fr, older.root)',
    },
  ),
  ...guardsIn('src/log/text.ts', 'test/log/note.test.ts', {
    why: 'One signature has many spellings, and others read another one than we',
    find: 'return encodeBase64(bytes) === text ? bytes : undefined;',
    replace: 'return bytes;',
  }),
  ...guardsIn(
    'src/log/text.ts',
    'test/log/checkpoint.test.ts',
    {
      why: 'A size beyond what others can read is another one to them',
      find: 'return number <= LARGEST ? number : undefined;',
      replace: 'return number;',
    },
    {
      why: 'A hash may be cut',
      find: 'return bytes?.byteLength === HASH_SIZE ? bytes : undefined;',
      replace: 'return bytes;',
    },
  ),
  ...guardsIn(
    'src/log/text.ts',
    'test/log/proof.test.ts',
    {
      why: 'A proof fills the memory',
      find: 'if (bytes.byteLength > limit)',
      replace: 'if (bytes.byteLength < 0)',
      only: 'too long',
    },
    {
      why: 'What is no UTF-8 is read as something else',
      find: 'fatal: true, ',
      replace: '',
      only: 'no UTF-8',
    },
  ),
  ...guardsIn(
    'src/log/keys.ts',
    'test/log/note.test.ts',
    {
      why: 'A key is taken for that of another name',
      find: 'if (verifier.id !== Number.parseInt(id, 16))',
      replace: 'if (verifier.id < 0)',
    },
    {
      why: 'A cosignature has times that others cannot read',
      find: 'return signed && time < 2n ** 63n ?',
      replace: 'return signed ?',
    },
    {
      why: 'A cosignature is good for every time',
      find: 'Buffer.from(`cosignature/v1\\ntime ${time}\\n${text}`)',
      replace: 'Buffer.from(`cosignature/v1\\n${text}`)',
      only: 'A signature > with a time',
    },
    {
      why: 'Whatever has the right length is a signature',
      find: 'signature.byteLength === ED25519_SIZE && verify(null, Buffer.from(text), key, signature)',
      replace: 'signature.byteLength === ED25519_SIZE',
    },
  ),
  ...guardsIn(
    'src/log/note.ts',
    'test/log/note.test.ts',
    {
      why: 'A forged signature of a known key goes unnoticed',
      find: '    if (statement === undefined)\n',
      replace: '    if (statement === undefined) continue;\n    if (statement === null)\n',
      only: 'A signature',
    },
    {
      why: 'A key is known by its name alone',
      find: 'name === each.name && id === each.id',
      replace: 'name === each.name',
    },
    {
      why: 'A key is known by its short ID alone',
      find: 'name === each.name && id === each.id',
      replace: 'id === each.id',
    },
    {
      why: 'A note of countless signatures keeps us busy',
      find: 'if (lines.length > SIGNATURES_LIMIT)',
      replace: 'if (lines.length < 0)',
    },
    {
      why: 'A note steers the terminal',
      find: 'if (hasControls(note))',
      replace: 'if (note === undefined)',
    },
    {
      why: 'A note of any size is searched',
      find: 'if (note.length > NOTE_LIMIT)',
      replace: 'if (note.length < 0)',
    },
  ),
  ...guardsIn(
    'src/log/policy.ts',
    'test/log/checkpoint.test.ts',
    {
      why: '10, 33: a checkpoint of another log is believed',
      find: 'by.name === checkpoint.origin && policy',
      replace: 'policy',
    },
    {
      why: 'A witness signs in the place of the log',
      find: ' && policy.logs.some(({ verifier }) => verifier === by)',
      replace: '',
    },
    {
      why: 'Nobody need have cosigned',
      find: 'if (policy.quorum !== undefined && !agrees(',
      replace: 'if (policy.quorum === null && !agrees(',
    },
    {
      why: 'One of a group is enough',
      find: '.length >= member.least;',
      replace: '.length >= 1;',
    },
    {
      why: 'One witness counts for two',
      find: 'if (Buffer.compare(other.verifier.publicKey, verifier.publicKey) === 0)',
      replace: 'if (other === undefined)',
    },
    {
      why: 'A member of two groups counts twice',
      find: 'if (grouped.has(member))',
      replace: 'if (member === undefined)',
    },
    {
      why: 'The key of a witness is taken for that of a log',
      find: 'if (verifier.type !== type)',
      replace: 'if (verifier.type === undefined)',
    },
    {
      why: 'The last of two quorums holds',
      find: 'if (quorum !== undefined) throw',
      replace: 'if (quorum === null) throw',
    },
    {
      why: 'A group whose threshold is 0 agrees with everything',
      find: 'if (least < 1 || least > count)',
      replace: 'if (least > count)',
    },
  ),
  ...guardsIn(
    'src/log/proof.ts',
    'test/log/proof.test.ts',
    {
      why: '4: any entry is proven by any proof',
      find: 'if (!provesInclusion(path, index, leaf, proven))',
      replace: 'if (index < 0n)',
    },
    {
      why: 'A proof of countless hashes keeps us busy',
      find: 'if (lines.length > HASHES_LIMIT)',
      replace: 'if (lines.length < 0)',
      only: '64 hashes',
    },
  ),
  ...guardsIn(
    'src/log/witness.ts',
    'test/log/witness.test.ts',
    {
      why: 'A witness cosigns what its log did not sign',
      find: 'if (openNote(next.note, known, what).length === 0)',
      replace: 'if (openNote(next.note, known, what).length < 0)',
    },
    {
      why: 'A witness goes back to an older tree',
      find: 'if (old !== before.size)',
      replace: 'if (old > before.size)',
    },
    {
      why: 'A witness cosigns two trees of one size',
      find: 'if (old === next.size && !equalHashes(before.root, next.root))',
      replace: 'if (old < 0n)',
    },
    {
      why: '24: a witness cosigns a fork',
      find: 'if (!provesConsistency(proof, before, next))',
      replace: 'if (proof === undefined)',
    },
    {
      why: 'The answer of a witness changes what it has signed',
      find: 'if (note.text !== checkpoint.note.text)',
      replace: 'if (note.text === undefined)',
    },
  ),
  ...guardsIn(
    'src/log/read-tiles.ts',
    'test/log/tiles.test.ts',
    {
      why: '6: hashes at the right edge are believed as they come',
      find: 'if (!equalHashes(joined(peaks), head.root))',
      replace: 'if (peaks === undefined)',
      only: 'one bit',
    },
    {
      why: '6: full tiles are believed as they come',
      find: 'if (!equalHashes(rootOf(hashes), hash))',
      replace: 'if (hash === undefined)',
      only: 'one bit',
    },
    {
      why: 'Entries are believed as they come',
      find: '!equalHashes(leafHash(entry), leaves[i]!)',
      replace: 'i < 0',
      only: 'one bit',
    },
  ),
  ...guardsIn(
    'src/commands/log/verify.ts',
    'test/commands/log.test.ts',
    {
      why: '14: a log that has become shorter is found in order',
      find: 'if (size > opened.checkpoint.size)',
      replace: 'if (size < 0n)',
      only: '14:',
    },
    {
      why: '29: a fork is found in order',
      find: 'if (!equalHashes(await opened.log.rootAt(size), root))',
      replace: 'if (size < 0n)',
      only: '29:',
    },
  ),
  ...guardsIn('src/proxy/http-tiles.ts', 'test/commands/log.test.ts', {
    why: '2: a server fills the memory',
    find: 'if (size > limit)',
    replace: 'if (size < 0)',
    only: '2:',
  }),
  ...guardsIn(
    'src/log/entry.ts',
    'test/log/entry.test.ts',
    {
      why: 'One statement has many spellings, and many hashes',
      find: 'if (canonical !== text)',
      replace: 'if (canonical === undefined)',
    },
    {
      why: 'An entry fills the stack',
      find: '(depth += 1) > DEPTH_LIMIT',
      replace: '(depth += 1) < 0',
      only: 'nested',
    },
    {
      why: 'Whoever hands in 32 KiB of quotes stops an authority for seconds',
      find: String.raw`(?:"|\\?$)|`,
      replace: '"|',
      only: 'in no time',
    },
  ),
  ...guardsIn(
    'src/log/observation.ts',
    'test/log/entry.test.ts',
    {
      why: 'What nobody saw counts as observed',
      find: 'if (by.check(text, signature) === undefined)',
      replace: 'if (by === undefined)',
    },
    {
      why: '56: an observation at one registry is shown for another',
      find: 'const predicate = { upstream, file, ...toldSighting(sighting) };',
      replace: 'const predicate = { file, ...toldSighting(sighting) };',
    },
    {
      why: '3: an observation of one package is shown for another',
      find: '[{ name: purl, digest: sighting.digest }], predicate)',
      replace: '[{ name: purl.slice(0, 3), digest: sighting.digest }], predicate)',
    },
    {
      why: 'A dispute is about bytes that nobody disputes',
      find: 'digests.length < 2 || new Set(digests).size < digests.length',
      replace: 'digests.length < 1',
    },
  ),
  ...guardsIn(
    'src/log/buckets.ts',
    'test/log/buckets.test.ts',
    {
      why: 'An index is believed as it comes',
      find: 'if (!equalHashes(leafHash(bytes), leaf))',
      replace: 'if (leaf === undefined)',
    },
    {
      why: 'Two records of one kind hide each other',
      find: 'at - RECORD_SIZE, at) >= 0)',
      replace: 'at - RECORD_SIZE, at) > 0)',
    },
    {
      why: 'A record is hidden in a bucket where nobody looks',
      find: 'if (bits > 0 && all.readUInt32BE(at) >>> (32 - bits) !== number)',
      replace: 'if (number < 0)',
    },
  ),
  ...guardsIn(
    'src/log/tiles.ts',
    'test/log/tiles.test.ts',
    {
      why: 'A bundle is read beyond its end',
      find: 'if (end > bytes.byteLength) throw',
      replace: 'if (end < 0) throw',
      only: 'A bundle',
    },
    {
      why: 'A bundle of countless entries keeps us busy',
      find: 'if (entries.length === TILE_WIDTH) throw',
      replace: 'if (entries.length < 0) throw',
      only: 'A bundle',
    },
    {
      why: 'The length of an entry is cut to 16 bits',
      find: 'if (entry.byteLength > ENTRY_LIMIT)',
      replace: 'if (entry.byteLength < 0)',
      only: 'A bundle',
    },
  ),
];
