import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOG_LIMIT, openLog, redact } from '../../src/control/log.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'pyrsia-control-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('the log', () => {
  it('has a line for each text, with time and process, for the user only', () => {
    const file = join(directory, 'state', 'agent.log');
    const log = openLog(file);
    log('one');
    log('two\nlines');
    log('Authorization: Bearer s3cret');
    expect(readFileSync(file, 'utf8')).toMatch(
      new RegExp(
        `^\\S+Z ${process.pid} one\n\\S+Z ${process.pid} two\n {2}lines\n\\S+Z ${process.pid} Authorization: …\n$`,
      ),
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is put aside when it is full, three times', () => {
    const log = openLog(join(directory, 'agent.log'));
    for (let n = 0; n < 6; n++) {
      log(`start of ${n}`);
      log('x'.repeat(LOG_LIMIT));
    }
    const starts = ['agent.log', 'agent.log.1', 'agent.log.2', 'agent.log.3'].map(
      (name) => /start of (\d)/.exec(readFileSync(join(directory, name), 'utf8'))?.[1],
    );
    expect(starts).toEqual(['5', '4', '3', '2']);
    expect(readdirSync(directory).filter((name) => name.startsWith('agent.log'))).toHaveLength(4);
  });

  it('is no reason to fail', () => {
    expect(() => openLog('/dev/null/agent.log')('text')).not.toThrow();
  });
});

describe('redact', () => {
  it.each([
    ['Authorization: Bearer s3cret', 'Authorization: …'],
    ['{"authorization":"Basic czNjcmV0","accept":"*/*"}', '{"authorization":"…","accept":"*/*"}'],
    ['sent Bearer s3cretToken along', 'sent Bearer … along'],
    ['GET http://ada:s3cret@localhost:4873/lodash', 'GET http://…@localhost:4873/lodash'],
    ['proxy http://s3cret@proxy', 'proxy http://…@proxy'],
    ['//localhost:4873/:_authToken=s3cret', '//localhost:4873/:_authToken=…'],
    ['//localhost:4873/:_password = "s3cret"', '//localhost:4873/:_password = "…"'],
    ['launch 0b0f2c5e-6f9c-4d6e-9f3b-3d7b5a3a0c11 ended', 'launch … ended'],
  ])('takes the secret out of %s', (text, redacted) => {
    expect(redact(text)).toBe(redacted);
  });

  it.each([
    'GET http://localhost/@types%2fnode',
    'sha256:0b0f2c5e6f9c4d6e',
    'https://localhost/@acme/x',
    'the author',
  ])('leaves %s alone', (text) => expect(redact(text)).toBe(text));
});
