import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { parseShim, shimCommandFile, type ShimOptions, shimScript } from '../../src/shims/shim-script.ts';
import { plain } from '../support/plain-ecosystem.ts';

const options: ShimOptions = {
  tool: plain.tools[0]!,
  interpreter: '/bin/bash',
  node: '/opt/node/bin/node',
  entry: '/opt/pyrsia/bin/shim.js',
  shims: '/home/me/shims',
  runtime: '/run/pyrsia/0123',
  uid: 1000,
  env: { HOME: '/home/me' },
};

const path = fc.string({ unit: 'binary' }).map((text) => `/${text.replaceAll('\0', '')}`);
test.prop([path, path, fc.boolean()])(
  'a stand-in says of itself what it was made of',
  (node, entry, disabled) => {
    const said = { tool: 'plain', node, entry, disabled };
    expect(parseShim(shimScript({ ...options, ...said, tool: options.tool }))).toEqual({
      ...said,
      interpreter: '/bin/bash',
    });
    expect(parseShim(shimCommandFile({ ...options, ...said, tool: options.tool }))).toEqual({
      ...said,
      interpreter: '',
    });
  },
);

it.each([
  '',
  '#!/bin/sh\n',
  '#!/bin/sh\n# pyrsia-shim-2 {}\n',
  '#!/bin/sh\n# pyrsia-shim-1 {}\n',
  '#!/bin/sh\n# pyrsia-shim-1 {"tool":1}\n',
  '#!/bin/sh\n# pyrsia-shim-1 {\n',
  '#!/bin/sh\n\n# pyrsia-shim-1 {"tool":"npm","node":"","entry":"","interpreter":"","disabled":false}\n',
  '#!/usr/bin/env node\nrequire("../lib/cli.js")(process)\n',
])('%j is none of ours', (text) => {
  expect(parseShim(text)).toBeUndefined();
});

it('bash is told to read nothing before the stand-in, and no other shell is', () => {
  expect(shimScript(options)).toMatch(/^#!\/bin\/bash -p\n/);
  expect(shimScript({ ...options, interpreter: '/bin/sh' })).toMatch(/^#!\/bin\/sh\n/);
});

it('on Windows Node decides everything, whatever its path holds, and its exit code is kept', () => {
  const node = String.raw`C:\100%PATH%\no de & x\node.exe`;
  const entry = String.raw`C:\Users\Pat\pyrsia\bin\shim.js`;
  const [rem, call, ...rest] = shimCommandFile({ ...options, node, entry }).split('\r\n');
  expect(rem).toMatch(/^@rem pyrsia-shim-1 [^%&|<>^]*$/);
  expect(call).toBe(
    String.raw`@"C:\100%%PATH%%\no de & x\node.exe" "C:\Users\Pat\pyrsia\bin\shim.js" "" plain "" %*`,
  );
  expect(rest).toEqual(['@exit /b %errorlevel%', '']);
});
