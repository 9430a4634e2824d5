/**
 * Who else may use this machine.
 *
 * @see passwd(5), nsswitch.conf(5), login.defs(5)
 * @module
 */
import { readFileSync } from 'node:fs';

/** Who can only be root's own programs, or nobody. */
const LEAST_UID = 1000;
const MOST_UID = 60_000;
/** Where accounts come from that stand in a file. */
const LOCAL = ['files', 'compat', 'systemd', 'altfiles'];

/** The files that say it. */
export interface AccountFiles {
  readonly passwd: string;
  /** Undefined: there is no such file, and accounts are those of `passwd`. */
  readonly nsswitch?: string;
}

/** Reads them. Throws what the file system says. */
export function accountFiles(): AccountFiles {
  const passwd = readFileSync('/etc/passwd', 'utf8');
  try {
    return { passwd, nsswitch: readFileSync('/etc/nsswitch.conf', 'utf8') };
  } catch {
    return { passwd };
  }
}

/**
 * Others than the user `uid` and root who may log in: by name, or by what is known of where further ones come from.
 * Empty where there is nobody.
 */
export function othersThan(uid: number, { passwd, nsswitch = '' }: AccountFiles): readonly string[] {
  const names = passwd.split('\n').flatMap((line) => {
    const [name = '', , id = '', , , , shell = ''] = line.split(':');
    const isPerson = Number(id) >= LEAST_UID && Number(id) <= MOST_UID && Number(id) !== uid;
    return isPerson && !/\/(?:nologin|false)$/.test(shell) ? [name] : [];
  });
  const [, sources = ''] = /^\s*passwd:(.*)$/m.exec(nsswitch) ?? [];
  const elsewhere = sources
    .replaceAll(/\[[^\]]*\]|#.*/g, '')
    .split(/\s+/)
    .filter((source) => source !== '' && !LOCAL.includes(source));
  return [...names, ...elsewhere.map((source) => `whom ${source} knows`)];
}
