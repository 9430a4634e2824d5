import { describe, expect, it } from 'vitest';
import { buildCall } from '../../../src/ecosystems/oci/docker-build.ts';
import { baseImages, basesIn, syntaxImage } from '../../../src/ecosystems/oci/dockerfile.ts';

const names = (text: string, terms: Partial<Parameters<typeof baseImages>[1]> = {}) =>
  baseImages(text, { args: {}, ...terms }).map(({ name }) => name);

describe('A Dockerfile', () => {
  it.each([
    ['one image', 'FROM debian:12', ['debian:12']],
    ['each image once', 'FROM a\nFROM a AS x\nfrom b as y', ['a', 'b']],
    ['stages', 'FROM a AS Build\nFROM b\nCOPY --from=build /x /x\nCOPY --from=0 /y /y', ['a', 'b']],
    ['an earlier stage', 'FROM a AS base\nFROM base\nFROM scratch', ['a']],
    ['images that are copied from', 'FROM a\nCOPY --chown=1 --from=tools:1 /x /x', ['a', 'tools:1']],
    ['images that are mounted', 'FROM a\nRUN --mount=type=bind,from=tools:2,target=/t x', ['a', 'tools:2']],
    [
      'arguments',
      'ARG V=12\nARG I=debian:$V\nFROM $I\nFROM x:${W:-3}\nFROM y${V:+-v}',
      ['debian:12', 'x:3', 'y-v'],
    ],
    ['quotes', 'ARG V="12"\nFROM "debian:${V}"', ['debian:12']],
    ['no arguments of a stage', 'FROM a\nARG V=1\nFROM b:$V', ['a']],
    ['nothing that builders take literally', 'FROM a\nCOPY --from=$X /x /x\nRUN --mount=from=b:$X x', ['a']],
    ['nothing that is not known', 'ARG V\nFROM a:$V\nFROM b', ['b']],
    ['lines that go on', 'FROM \\\n# why\n  a \\\n  AS x\r\nFROM b', ['a', 'b']],
    ['lines that go on otherwise', '# escape=`\nFROM `\n a', ['a']],
    ['no comments and no heredocs', '# FROM z\nFROM a\nRUN <<EOF\nFROM y\nEOF\nFROM b', ['a', 'b']],
    ['nothing at all', '', []],
  ])('names %s', (_, text, wanted) => expect(names(text)).toEqual(wanted));

  it('is built with the arguments of its call, and as far as its call says', () => {
    expect(names('ARG V=12\nFROM debian:$V', { args: { V: '13' } })).toEqual(['debian:13']);
    expect(names('FROM a AS one\nFROM b AS two\nFROM c', { target: 'two' })).toEqual(['a', 'b']);
    expect(baseImages('ARG P=linux/arm64\nFROM --platform=$P a', { args: {} })).toEqual([
      { name: 'a', platform: 'linux/arm64' },
    ]);
    expect(baseImages('FROM --platform=$BUILDPLATFORM a\nFROM a', { args: {} })).toEqual([
      { name: 'a', native: true },
      { name: 'a' },
    ]);
  });

  it.each([
    ['a variable that nothing sets', 'ARG V\nFROM a:$V', ['a:$V']],
    ['a variable where none is replaced', 'FROM a\nCOPY --from=$B /x /x', ['$B']],
    ['what is mounted by a variable', 'FROM a\nRUN --mount=from=$B true', ['$B']],
    ['the machine that it is for', 'FROM a-$TARGETARCH', ['a-$TARGETARCH']],
    ['nothing else', 'ARG V=1\nFROM a:$V\nFROM scratch\nCOPY --from=0 /x /x', []],
  ])('leaves untold %s', (_, text, untold) => expect(basesIn(text, { args: {} }).untold).toEqual(untold));

  it.each([
    ['# syntax=docker/dockerfile:1\nFROM a', 'docker/dockerfile:1'],
    ['# escape=`\n#Syntax = a/b:2 rest\nFROM a', 'a/b:2'],
    ['# a comment\n# syntax=a\nFROM a', undefined],
    ['FROM a\n# syntax=b', undefined],
  ])('may have to be read with an image: %j', (text, image) => {
    expect(syntaxImage(text, { args: {} })).toBe(image);
    expect(syntaxImage(text, { args: { BUILDKIT_SYNTAX: 'other' } })).toBe('other');
  });

  it('is not built of arguments that double until the memory is full', () => {
    const doubled = Array.from({ length: 40 }, (_, i) => `ARG A${i + 1}=$A${i}$A${i}`);
    expect(names(['ARG A0=aaaaaaaaaaaaaaaa', ...doubled, 'FROM b', 'FROM $A40'].join('\n'))).toEqual(['b']);
  });
});

const call = (text: string) => buildCall(text.split(' '), { KNOWN: 'yes' });

describe('A build', () => {
  it('says what it is made of', () => {
    expect(
      call(
        '--pull -t app:1 --build-arg A=b=c --build-arg KNOWN --build-arg UNKNOWN --target=x --platform linux/arm64 -f D .',
      ),
    ).toEqual({
      context: '.',
      file: 'D',
      args: { A: 'b=c', KNOWN: 'yes' },
      target: 'x',
      platform: 'linux/arm64',
      pull: true,
    });
    expect(call('--pull=false --no-cache dir')).toEqual({ context: 'dir', args: {}, pull: false });
    expect(call('--cache-from a --sbom=true dir')).toMatchObject({ context: 'dir', besides: '--cache-from' });
    const env = { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' };
    expect(buildCall(['.'], env).platform).toBe('linux/arm64');
    expect(buildCall(['--platform=linux/386', '.'], env).platform).toBe('linux/386');
  });

  it.each(['-', 'https://x.example/y.git', 'git@x.example:y', 'github.com/x/y'])(
    'is of nothing here: %s',
    (from) => expect(call(from)).toEqual({ args: {}, pull: false }),
  );
});
