/**
 * Looking at JSON that somebody else wrote: each function returns what is there in the shape that is asked for, or throws
 * a `TypeError` that says what was expected where.
 *
 * @module
 */
import { decodeBase64 } from './text.ts';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What is to be thrown when `member` is not what was expected. */
export function wrong(member: string, expected: string): TypeError {
  return new TypeError(`expected ${member} to be ${expected}`);
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with just these members, and perhaps `optional` ones. */
export function membersOf(
  value: unknown,
  name: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  if (!isRecord(value)) throw wrong(name, 'an object');
  const names = Object.keys(value);
  const missing = required.find((each) => !names.includes(each));
  if (missing !== undefined) throw wrong(name, `an object with ${missing}`);
  const other = names.find((each) => !required.includes(each) && !optional.includes(each));
  if (other !== undefined) throw wrong(name, `an object without ${other.slice(0, 100)}`);
  return value;
}

/** Text that is not empty. */
export function textIn(object: JsonObject, member: string): string {
  const value = object[member];
  if (typeof value !== 'string' || value === '') throw wrong(member, 'a text');
  return value;
}

/** A whole number from 0 to 2^53 - 1. */
export function countIn(object: JsonObject, member: string): number {
  const value = object[member];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw wrong(member, 'a whole number');
  return value;
}

/** A list that is not empty. */
export function listIn(object: JsonObject, member: string): readonly unknown[] {
  const value = object[member];
  if (!Array.isArray(value) || value.length === 0) throw wrong(member, 'a list');
  return value;
}

/** A time in UTC, to the second: `2026-11-21T18:00:00Z`; in seconds since 1970. */
export function timeIn(object: JsonObject, member: string): number {
  const text = textIn(object, member);
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes the 31st of February for the 3rd of March.
  if (Number.isNaN(ms) || timeText(ms / 1000) !== text)
    throw wrong(member, 'a time like 2026-11-21T18:00:00Z');
  return ms / 1000;
}

/** {@link timeIn}, written. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Digests in lower-case hex: sha256, and perhaps sha512. */
export function digestsIn(object: JsonObject, member: string): Readonly<Record<string, string>> {
  const digests = membersOf(object[member], member, ['sha256'], ['sha512']);
  return Object.fromEntries(
    Object.keys(digests).map((algorithm) => [
      algorithm,
      hexIn(digests, algorithm, algorithm === 'sha256' ? 32 : 64),
    ]),
  );
}

/** Lower-case hex of so many bytes. */
export function hexIn(object: JsonObject, member: string, bytes: number): string {
  const text = textIn(object, member);
  if (text.length !== 2 * bytes || !/^[0-9a-f]*$/.test(text))
    throw wrong(member, `${bytes} bytes in lower-case hex`);
  return text;
}

/** Canonical base64. */
export function base64In(object: JsonObject, member: string): Uint8Array {
  const bytes = decodeBase64(textIn(object, member));
  if (bytes === undefined) throw wrong(member, 'base64');
  return bytes;
}
