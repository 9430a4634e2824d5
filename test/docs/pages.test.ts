/**
 * Our documentation holds together: its links lead somewhere, its receipts are such as we print.
 *
 * @module
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseBytes, parseDuration } from '../../src/content/format.ts';
import { receiptLine } from '../../src/resolve/receipt.ts';
import type { Receipt, ReportLine } from '../../src/resolve/report.ts';
import { blocks, page, pages } from './markdown.ts';

const size = (text: string | undefined): number => parseBytes(text ?? '') ?? 0;

/** The receipt that a shown line tells of. */
function receiptIn(line: string): Receipt {
  const count = (what: string): number =>
    Number(new RegExp(String.raw`(\d+) ${what}(?= ·)`).exec(line)?.[1] ?? 0);
  const totals = {
    artifacts: count('packages'),
    cache: count('cache'),
    linked: count("linked into npm's cache"),
    peer: count('peers'),
    upstream: count('upstream'),
    passed: 0,
    refused: 0,
    unavailable: 0,
    notFound: 0,
    verified: count('verified'),
    logged: 0,
    claimed: count('named by the lockfile only'),
    unknown: 0,
    bytes: size(/· ([\d.]+ [kMG]?B)[, ]/.exec(line)?.[1]),
    saved: size(/([\d.]+ [kMG]?B) not downloaded/.exec(line)?.[1]),
  };
  const duration = parseDuration((/· ([\d.]+ m?s) {2}\(/.exec(line)?.[1] ?? '').replace(' ', '')) ?? 0;
  const [, offline] = /· offline: (\S+) ·/.exec(line) ?? [];
  const line0: Pick<ReportLine, 'purl' | 'outcome' | 'at' | 'ms'> = {
    purl: 'pkg:npm/left@1.0.0',
    outcome: 'delivered',
    at: 0,
    ms: duration,
  };
  return {
    artifacts: Array.from({ length: totals.artifacts }, () => line0 as ReportLine),
    totals,
    documents: { upstream: 0, unchanged: 0, stale: 0 },
    startedAt: 0,
    endedAt: duration,
    ...(offline !== undefined && { offline }),
    launch: '',
    command: [],
    cwd: '',
    policy: 'observe',
    notes: [],
  };
}

describe('A receipt in the documentation', () => {
  const receipts = pages
    .flatMap((path) => blocks(path, 'console').flatMap((block) => block.split('\n')))
    .filter((line) => line.startsWith('pyrsia: '));

  it('is shown', () => expect(receipts.length).toBeGreaterThan(1));

  it.each(receipts)('is one that we print: %s', (line) => {
    const receipt = receiptIn(line);
    expect(receiptLine(receipt)).toBe(line);
    const { artifacts, cache, linked, peer, upstream, verified, claimed } = receipt.totals;
    expect([cache + peer + upstream, verified + claimed]).toEqual([artifacts, artifacts]);
    expect(linked).toBeLessThanOrEqual(artifacts);
  });
});

describe('A link in the documentation', () => {
  const relative = pages.flatMap((path) =>
    [...page(path).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(
      ([, to, anchor]) => [path, to!, anchor] as const,
    ),
  );

  it.each(relative)('of %s leads to %s %s', (from, to, anchor) => {
    const target = to === '' ? from : join(from, '..', to);
    expect(existsSync(target)).toBe(true);
    if (anchor === undefined || statSync(target).isDirectory()) return;
    const headings = [...page(target).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
      text!
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(headings).toContain(anchor);
  });
});

describe('A file that the documentation names', () => {
  const named = pages.flatMap((path) =>
    [...page(path).matchAll(/`((?:src|test|docs|scripts|decisions|bench|bin|\.ci)\/[\w./-]+)`/g)].map(
      ([, name]) => [path, name!] as const,
    ),
  );

  it.each(named)('in %s is there: %s', (_, name) => expect(existsSync(name)).toBe(true));
});
