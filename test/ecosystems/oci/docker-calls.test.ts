import { describe, expect, it } from 'vitest';
import { dockerCall, dockerStepsAside } from '../../../src/ecosystems/oci/docker-calls.ts';

const words = (call: string): string[] => call.split(' ').slice(1);

describe('A call of docker', () => {
  it.each([
    'docker pull nginx',
    'docker run --rm nginx ps',
    'docker -D create nginx',
    'docker --log-level debug pull nginx',
    'docker build .',
    'docker buildx build .',
    'docker compose up',
    'docker image pull nginx',
    'docker container run nginx',
    'docker --config dir pull nginx',
  ])('makes its daemon fetch: %s', (call) => expect(dockerStepsAside(words(call))).toBeUndefined());

  it.each([
    'docker ps',
    'docker push nginx',
    'docker buildx ls',
    'docker login',
    'docker exec app pull',
    'docker image ls',
    'docker container rm run',
    'docker --config pull ps',
  ])('fetches nothing: %s', (call) => expect(dockerStepsAside(words(call))).toMatch(/fetches no image/));

  it.each([
    ['docker -H tcp://a pull nginx', '-H'],
    ['docker -Htcp://a pull nginx', '-H'],
    ['docker --host=unix:///a pull nginx', '--host'],
    ['docker -D --context far pull nginx', '--context'],
    ['docker -c far pull nginx', '-c'],
    ['docker --tlsverify pull nginx', '--tlsverify'],
  ])('names its daemon: %s', (call, daemon) =>
    expect(dockerCall(words(call))).toMatchObject({ daemon, command: 'pull' }),
  );

  it('names no daemon behind its command', () => {
    expect(dockerCall(words('docker run -H x nginx'))).toEqual({
      command: 'run',
      args: ['-H', 'x', 'nginx'],
    });
    expect(dockerCall(words('docker --config=a/b pull x'))).toEqual({
      command: 'pull',
      args: ['x'],
      config: 'a/b',
    });
  });
});
