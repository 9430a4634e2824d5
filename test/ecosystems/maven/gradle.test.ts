import { describe, expect, it } from 'vitest';
import type { Redirection } from '../../../src/ecosystems/ecosystem.ts';
import { gradle } from '../../../src/ecosystems/maven/gradle.ts';

const led = (upstream: string): Redirection =>
  gradle.redirect({
    args: ['build'],
    leading: [{ upstream, base: 'http://127.0.0.1:4873/', scope: upstream }],
    besides: [],
    credential: '0b5a7c1e-0000-4000-8000-000000000000',
    globalConfig: '',
    lockedHosts: [],
    pathOf: (file) => `/run/${file}`,
  });

describe('gradle', () => {
  it('gets an init script of one run before what its user gives it, and nothing in its arguments or environment', () => {
    const { env, args, files } = led('https://example.org/m2/');
    expect([env, args]).toEqual([{}, ['-I', '/run/init.gradle']]);
    expect(files?.['init.gradle']).toContain("'https://example.org/m2/': 'http://127.0.0.1:4873/',");
    expect(files?.['init.gradle']).toContain("password = '0b5a7c1e-0000-4000-8000-000000000000'");
  });

  it('reads an address as text, whatever stands in it', () => {
    const { files } = led(String.raw`https://example.org/'+x+'\$y/`);
    expect(files?.['init.gradle']).toContain(String.raw`'https://example.org/\'+x+\'\\$y/': `);
  });

  it('runs as it is where nobody is led', () => {
    const call = {
      args: [],
      leading: [],
      besides: [],
      credential: '',
      globalConfig: '',
      lockedHosts: [],
      pathOf: String,
    };
    expect(gradle.redirect(call)).toEqual({ env: {} });
  });
});
