import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import { hostsToml } from '../../src/shims/hosts-toml.ts';

const root = 'http://127.0.0.1:4000/v2/launch';
const ours = { capabilities: ['pull', 'resolve'], override_path: true };

it('has a client ask us before the registry', () => {
  expect(parse(hostsToml({ root, instead: false }))).toEqual({ host: { [root]: ours } });
});

it('has a client ask us in the place of the registry', () => {
  expect(parse(hostsToml({ root, instead: true }))).toMatchObject({ server: root, override_path: true });
});
