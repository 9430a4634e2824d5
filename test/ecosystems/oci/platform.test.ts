import { describe, expect, it } from 'vitest';
import { choose, parsePlatform, platformOf, printPlatform } from '../../../src/ecosystems/oci/platform.ts';

const offers = (...platforms: (string | undefined)[]) =>
  platforms.map((platform, at) => ({ at, ...(platform ? { platform: parsePlatform(platform) } : {}) }));
const chosen = (wanted: string, ...platforms: (string | undefined)[]): string | undefined =>
  platforms[choose(offers(...platforms), parsePlatform(wanted))?.at ?? -1];

describe('A platform', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['Linux/AMD64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['arm64', 'linux/arm64'],
    ['macos/arm64', 'darwin/arm64'],
  ])('%s is %s', (text, spelled) => {
    expect(printPlatform(parsePlatform(text))).toBe(spelled);
  });

  it.each(['', 'linux/', 'linux/arm/v7/x', 'a b', 'linux/../x'])('is not %j', (text) => {
    expect(() => parsePlatform(text)).toThrowError(expect.objectContaining({ code: 'REFERENCE_MALFORMED' }));
  });

  it('of this machine is that of its engine', () => {
    expect(printPlatform(platformOf({ platform: 'linux', arch: 'x64' }))).toBe('linux/amd64');
    expect(printPlatform(platformOf({ platform: 'darwin', arch: 'arm64' }))).toBe('linux/arm64');
  });
});

describe('Of several images docker takes', () => {
  it.each([
    ['the very platform', 'linux/arm64', ['linux/amd64', 'linux/arm64'], 'linux/arm64'],
    ['the nearest variant', 'linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
    ['no variant that is too new', 'linux/arm/v6', ['linux/arm/v7'], undefined],
    ['an arm of 32 bits rather than none', 'linux/arm64', ['linux/amd64', 'linux/arm/v7'], 'linux/arm/v7'],
    ['a 386 rather than none', 'linux/amd64', ['linux/386', 'linux/arm64'], 'linux/386'],
    ['a lower level', 'linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2'], 'linux/amd64/v2'],
    ['nothing of another system', 'linux/amd64', ['windows/amd64'], undefined],
    ['no attestation', 'linux/amd64', ['unknown/unknown', 'linux/amd64'], 'linux/amd64'],
  ])('%s', (_, wanted, platforms, expected) => {
    expect(chosen(wanted, ...platforms)).toBe(expected);
  });

  it('one that is for no platform only where none is for any', () => {
    expect(choose(offers(undefined, 'linux/arm64'), parsePlatform('linux/amd64'))).toBeUndefined();
    expect(choose(offers(undefined, undefined), parsePlatform('linux/amd64'))).toEqual({ at: 0 });
  });
});
