/**
 * docker, whose daemon does the fetching: the client is led to a socket of ours, behind which its daemon is.
 *
 * @see https://docs.docker.com/reference/cli/docker/#environment-variables
 * @module
 */
import type { Tool } from '../ecosystem.ts';
import { dockerCalls, dockerStepsAside } from './docker-calls.ts';

/** The socket of a launch, among its files. */
export const DOCKER_SOCKET = 'docker';

export const docker: Tool = {
  executable: 'docker',
  calls: dockerCalls,
  settings: {
    variables: ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_TLS', 'DOCKER_TLS_VERIFY'],
    otherVariables: [],
    led: ['DOCKER_HOST'],
    projectFiles: [],
    lockfiles: [],
  },
  socket: DOCKER_SOCKET,
  stepAside: dockerStepsAside,
  redirect: ({ pathOf }) => ({ env: { DOCKER_HOST: `unix://${pathOf(DOCKER_SOCKET)}` } }),
};
