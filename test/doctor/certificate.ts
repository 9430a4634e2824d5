/**
 * Certificates that are wrong in one way, made by openssl.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../fixtures/registry/certificate.ts';

/** What is to be in a certificate. Years are AD. */
export interface Wanted {
  readonly from?: number;
  readonly until?: number;
  readonly host?: string;
}

const config = (host: string): string => `
[ca]
default_ca = this
[this]
database = index
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
x509_extensions = extensions
unique_subject = no
[any]
commonName = supplied
[extensions]
subjectAltName = ${host}
`;

/** A certificate that is its own authority, for 127.0.0.1 and the years around this one unless said otherwise. */
export function certificateWith({ from = 2000, until = 2049, host = 'IP:127.0.0.1' }: Wanted): Certificate {
  const cwd = mkdtempSync(join(tmpdir(), 'pyr-cert-'));
  const openssl = (line: string): void =>
    void execFileSync('openssl', line.split(' '), { cwd, stdio: 'pipe' });
  try {
    writeFileSync(join(cwd, 'ca.cnf'), config(host));
    writeFileSync(join(cwd, 'index'), '');
    openssl(
      'req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test -keyout key -out csr',
    );
    openssl(
      'ca -batch -selfsign -notext -config ca.cnf -keyfile key -in csr -out cert ' +
        `-startdate ${from}0101000000Z -enddate ${until}0101000000Z`,
    );
    const read = (name: string): string => readFileSync(join(cwd, name), 'utf8');
    return { key: read('key'), cert: read('cert') };
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
