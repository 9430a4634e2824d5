/**
 * What is wrong with the way to a registry, decided from what came of asking it.
 *
 * @module
 */
import type { Asked, Unanswered } from './asked.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import { word } from '../shims/sh.ts';

/** Codes of OpenSSL and Node for certificates, and what they mean. */
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  CERT_REVOKED: 'has been revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is signed by itself, and not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'comes from an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'comes from an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'comes from an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'comes from an authority that is not trusted here',
  CERT_UNTRUSTED: 'comes from an authority that is not trusted here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is made out to another host',
};

const NOT_FETCHED = 'What is not cached cannot be installed';

/** Looks whether npm's own configuration can be read, and at what each registry answers. */
export async function lookAtUpstreams(patient: Patient): Promise<readonly Finding[]> {
  const problem = await patient.npm().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  if (problem !== undefined) return [unreadable(problem)];
  return (await patient.asked()).flatMap((asked) => findingOf(asked, patient) ?? []);
}

function unreadable(problem: string): Finding {
  return {
    id: 'npm-configuration',
    level: 'wrong',
    title: problem,
    cost: 'npm runs without pyrsia, and may well fail',
    remedy: 'npm config edit',
  };
}

function findingOf(asked: Asked, { env }: Pick<Patient, 'env'>): Finding | undefined {
  const { upstream, outcome, proxy } = asked;
  const host = new URL(upstream.url).host;
  if ('status' in outcome) {
    if (outcome.status === 407 && proxy !== undefined) return ofProxy(proxy, 'status 407', env);
    return ofStatus(outcome.status, asked);
  }

  const certificate = CERTIFICATES[outcome.code];
  if (certificate !== undefined) return ofCertificate(certificate, outcome, upstream.url);
  if (proxy !== undefined && (outcome.atProxy || outcome.reason.includes('(407)')))
    return ofProxy(proxy, outcome.reason, env);
  return {
    id: 'upstream-unreachable',
    level: 'wrong',
    title: `${upstream.url} does not answer${proxy === undefined ? '' : ` by way of ${withoutUserinfo(proxy)}`}: ${outcome.reason}`,
    cost: `${NOT_FETCHED}; with PYRSIA_OFFLINE=1 nobody waits for ${host}`,
    remedy: `curl -I ${word(upstream.url)}`,
  };
}

function ofStatus(status: number, { upstream: { url, authorization, scope } }: Asked): Finding | undefined {
  const nerf = url.replace(/^https?:/, '');
  if (status === 401 || (status === 403 && authorization !== undefined)) {
    return {
      id: 'upstream-credentials',
      level: 'wrong',
      title:
        authorization === undefined
          ? `${url} wants credentials (status ${status}), and npm has none for it`
          : `${url} refuses the credentials that npm has for it (status ${status})`,
      cost: scope === undefined ? NOT_FETCHED : `What is not cached of ${scope} cannot be installed`,
      remedy: `npm config set ${word(`${nerf}:_authToken`)} TOKEN`,
    };
  }
  if (status !== 429 && status < 500) return undefined;
  return {
    id: 'upstream-unreachable',
    level: 'wrong',
    title: `${url} answers with status ${status}`,
    cost: NOT_FETCHED,
    remedy: `curl -I ${word(url)}`,
  };
}

function ofCertificate(what: string, { code }: Unanswered, url: string): Finding {
  const { host, hostname } = new URL(url);
  const aboutTime = code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID';
  const isUntrusted = what.endsWith('not trusted here');
  return {
    id: 'upstream-certificate',
    level: 'wrong',
    title: `The certificate of ${host} ${what} (${code})${aboutTime ? `; it is ${new Date().toISOString()} here` : ''}`,
    cost: `${NOT_FETCHED}: neither npm nor pyrsia fetches from there`,
    remedy: isUntrusted
      ? 'npm config set cafile FILE-WITH-THE-AUTHORITY.pem'
      : aboutTime
        ? `date: where that is right, ask whoever runs ${hostname} for a valid certificate`
        : `npm config get registry: where that is right, ask whoever runs ${hostname} for a certificate with this name`,
  };
}

function ofProxy(proxy: string, reason: string, env: NodeJS.ProcessEnv): Finding {
  const names = Object.entries(env).flatMap(([name, value]) =>
    value === proxy && /^(npm_config_)?(https?[_-])?proxy$/i.test(name) ? [name] : [],
  );
  return {
    id: 'upstream-proxy',
    level: 'wrong',
    title: `The proxy ${withoutUserinfo(proxy)} (${names.length > 0 ? names.join(', ') : "npm's configuration"}) does not let npm through: ${reason}`,
    cost: NOT_FETCHED,
    remedy: names.length > 0 ? `unset ${names.join(' ')}` : 'npm config delete proxy https-proxy',
  };
}

function withoutUserinfo(url: string): string {
  const { origin } = URL.parse(url) ?? { origin: 'of another form' };
  return origin;
}
