/**
 * The agent's log: bounded, and without secrets.
 *
 * @module
 */
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeOurs } from '../ours.ts';

/** Writes one line. It never throws: a log is no reason to fail. */
export type Log = (text: string) => void;

/** The most bytes a log file has before it is put aside. */
export const LOG_LIMIT = 1_000_000;

/** How many are kept besides the current one: `agent.log.1` is the latest of them. */
const LOGS_KEPT = 3;

/** Opens the log at `path`, mode 0600. Lines have the time and this process's id, and are {@link redact}ed. */
export function openLog(path: string): Log {
  attempt(() => makeOurs(dirname(path)));
  return (text) => {
    const continued = redact(text).replaceAll('\n', '\n  ');
    attempt(() => {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= LOG_LIMIT) rotate(path);
      appendFileSync(path, `${new Date().toISOString()} ${process.pid} ${continued}\n`, { mode: 0o600 });
    });
  };
}

function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // The disk is full or read-only, which the commands say themselves.
  }
}

function rotate(path: string): void {
  for (let n = LOGS_KEPT; n > 0; n--) {
    const older = n === 1 ? path : `${path}.${n - 1}`;
    if (statSync(older, { throwIfNoEntry: false })) renameSync(older, `${path}.${n}`);
  }
}

const secrets: readonly (readonly [RegExp, string])[] = [
  // Authorization: Bearer abc · "authorization":"Basic abc"
  [/(\bauthorization\b["']?\s*[:=]\s*["']?)(?:[a-z]+\s+)?[^\s"',}]+/gi, '$1…'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 …'],
  // //user:password@host
  [/\/\/[^\s/@]*@/g, '//…@'],
  // //host/:_authToken=abc · _password = "abc"
  [/(_(?:authToken|auth|password)["']?\s*[:=]\s*["']?)[^\s"',}]+/gi, '$1…'],
  // The id of a launch is its credential.
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '…'],
];

/** `text` without what would let its reader act as somebody else: credentials, userinfo, launch ids. */
export function redact(text: string): string {
  return secrets.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}
