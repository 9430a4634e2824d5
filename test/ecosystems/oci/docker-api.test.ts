import { describe, expect, it } from 'vitest';
import {
  credentialIn,
  familiarName,
  imageAskedFor,
  progressLine,
  pullPath,
} from '../../../src/ecosystems/oci/docker-api.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const header = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const asked = (query: string) => imageAskedFor(`/v1.41/images/create?${query}`);

describe('A request for an image', () => {
  it.each([
    ['fromImage=nginx&tag=latest', 'docker.io', 'library/nginx', { tag: 'latest' }],
    ['fromImage=docker.io%2Forg%2Fapp&tag=1', 'docker.io', 'org/app', { tag: '1' }],
    ['fromImage=127.0.0.1%3A5000%2Fapp&tag=1', '127.0.0.1:5000', 'app', { tag: '1' }],
    // As dockerode says it.
    ['fromImage=127.0.0.1:5000/org/app:2', '127.0.0.1:5000', 'org/app', { tag: '2' }],
    [`fromImage=nginx&tag=${DIGEST}`, 'docker.io', 'library/nginx', { digest: DIGEST }],
    [`fromImage=nginx:1&tag=${DIGEST}`, 'docker.io', 'library/nginx', { digest: DIGEST }],
    [`fromImage=nginx:1@${DIGEST}`, 'docker.io', 'library/nginx', { digest: DIGEST }],
  ])('%s', (query, registry, repository, version) => {
    expect(asked(query)).toEqual({ version: '/v1.41', image: { registry, repository, ...version } });
  });

  it.each([
    ['all tags', 'fromImage=nginx'],
    ['all tags, as docker pull -a says it', 'fromImage=nginx:'],
    ['nothing', 'tag=latest'],
    ['what is imported', 'fromSrc=-&repo=a&fromImage=b&tag=1'],
    ['what nobody can read', 'fromImage=NGINX&tag=1'],
    // Written in lower case it would be org/app of docker's own registry.
    ['a registry that only a capital letter tells from a namespace', 'fromImage=Org%2Fapp&tag=1'],
  ])('is none when it is about %s', (_, query) => expect(asked(query)).toBeUndefined());

  it('is none of another path', () => {
    for (const path of ['/v1.41/images/json', '/images/createx', '/x/images/create'])
      expect(imageAskedFor(`${path}?fromImage=nginx&tag=1`)).toBeUndefined();
    expect(imageAskedFor('/images/create?fromImage=nginx&tag=1')).toMatchObject({ version: '' });
  });

  it('is asked again under another name, for the same machine', () => {
    const found = asked('fromImage=nginx&tag=1&platform=linux%2Farm64');
    expect(found).toMatchObject({ platform: 'linux/arm64' });
    expect(pullPath(found!, '127.0.0.1:1/docker.io/library/nginx')).toBe(
      '/v1.41/images/create?fromImage=127.0.0.1%3A1%2Fdocker.io%2Flibrary%2Fnginx&tag=1&platform=linux%2Farm64',
    );
  });
});

it.each([
  ['docker.io', 'library/nginx', 'nginx'],
  ['docker.io', 'org/app', 'org/app'],
  ['docker.io', 'library/a/b', 'library/a/b'],
  ['images.example', 'library/nginx', 'images.example/library/nginx'],
])('A daemon keeps %s/%s as %s', (registry, repository, name) => {
  expect(familiarName({ registry, repository })).toBe(name);
});

describe('What a client shows a registry', () => {
  it('is a name and a password, or a token', () => {
    expect(credentialIn(header({ username: 'me', password: 'ü?>' }))).toEqual({
      username: 'me',
      password: 'ü?>',
    });
    expect(credentialIn(header({ username: 'me', identitytoken: 't' }))).toEqual({
      username: '',
      password: 't',
      isToken: true,
    });
  });

  it.each([undefined, '', 'e30=', header({}), header(null), header({ username: 'me' }), '!', header('x')])(
    'is nothing in %j',
    (text) => expect(credentialIn(text)).toBeUndefined(),
  );
});

it('A line of progress says how far it is, or what is wrong', () => {
  expect(progressLine('{"status":"Pulling","id":"a"}')).toMatchObject({ status: 'Pulling' });
  expect(progressLine('{"errorDetail":{"message":"x"},"error":"x"}')).toMatchObject({ error: 'x' });
  for (const text of ['', 'x', 'null', '{"status":1}']) expect(progressLine(text)).toEqual({ text });
});
