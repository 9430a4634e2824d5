import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, failureOf } from '../../src/command/failure.ts';
import { type ErrorCode, type ErrorDetails, PyrsiaError } from '../../src/errors.ts';

const details: ErrorDetails = {
  DIGEST_MALFORMED: { text: 'x' },
  DIGEST_MISMATCH: { expected: 'a', actual: 'b' },
  SIZE_MISMATCH: { expected: 1, actual: 2 },
  CONTRADICTED: { purl: 'p', expected: 'a', actual: 'b', by: 'c', against: 'd', acceptable: true },
  CLOSURE_UNKNOWN: { what: 'maven:g:a:1', reason: 'mvn ended with exit code 1' },
  BLOCKED: { what: 'i', by: 'f' },
  EVIDENCE_TOO_LOW: { purl: 'p', policy: 'locked', word: 'claimed' },
  REFERENCE_MALFORMED: { text: 'x', reason: 'y' },
  NOT_FOUND: { what: 'x' },
  OFFLINE_MISS: { what: 'x', reason: 'y' },
  UPSTREAM_FAILED: { url: 'x', reason: 'y' },
  PEER_SILENT: { peer: '12D3', at: '/ip4/192.168.1.5/tcp/4001' },
  CREDENTIALS_NEEDED: { what: 'x', upstream: 'y' },
  DOCUMENT_INVALID: { what: 'x', reason: 'y' },
  DOCUMENT_TOO_LARGE: { what: 'x', limit: 1 },
  LOG_OBJECTS: { purl: 'a', policy: 'locked', reason: 'y' },
  NOT_PROVEN: { what: 'x', reason: 'y' },
  LOG_FORKED: { origin: 'x', sizes: [1, 2], signers: ['y'], path: 'z' },
  CACHE_CORRUPT: { digest: 'a', actual: 'b' },
  CACHE_READ_ONLY: { path: 'x', reason: 'y' },
  CACHE_UNREADABLE: { path: 'x', reason: 'y' },
  CONFIG_INVALID: { problems: ['x'] },
  FILE_UNWRITABLE: { path: 'x', reason: 'y' },
  DOCKER_LEFT_ALONE: { reason: 'x' },
  AGENT_UNAVAILABLE: { reason: 'x' },
  AGENT_REFUSED: { reason: 'x' },
};
const codes = Object.keys(details) as ErrorCode[];

/** The exit code of each error code, as the documentation has it. */
const documented = new Map(
  readFileSync('docs/exit-codes.md', 'utf8')
    .split('\n')
    .flatMap((row) => {
      const [, exit, codesInRow = ''] = /^\| (\d+) +\|.*\|(.*)\|$/.exec(row) ?? [];
      return [...codesInRow.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, Number(exit)] as const);
    }),
);

describe('a failure', () => {
  it.each(codes)('%s ends with the code that is documented, and shows its evidence', (code) => {
    const error = new PyrsiaError(code, details[code]);
    expect(exitCodeOf(error)).toBe(documented.get(code));
    expect(failureOf(error)).toEqual({ code, message: error.message, details: details[code] });
  });

  it('that nobody foresaw ends with 1, and is called INTERNAL', () => {
    expect([exitCodeOf(new Error('oops')), exitCodeOf('oops')]).toEqual([1, 1]);
    expect(failureOf(new Error('oops'))).toEqual({ code: 'INTERNAL', message: 'Oops', details: {} });
  });
});
