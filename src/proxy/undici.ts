/**
 * What we use of undici, in a module of its own: it takes long to import, and an agent that has just been
 * started is waited for.
 *
 * @module
 */
export { Agent, EnvHttpProxyAgent, request } from 'undici';
