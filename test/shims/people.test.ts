import { describe, expect, it } from 'vitest';
import { othersThan } from '../../src/shims/people.ts';

const PASSWD = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
me:x:1000:1000::/home/me:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`;

describe('Others who may use a machine', () => {
  it('are nobody where there is one user besides root and what runs services', () => {
    expect(othersThan(1000, { passwd: PASSWD, nsswitch: 'passwd: files systemd\n' })).toEqual([]);
    expect(othersThan(0, { passwd: PASSWD.replace('me:x:1000', 'me:x:999') })).toEqual([]);
  });

  it('are those who can log in, also for root', () => {
    const passwd = `${PASSWD}you:x:1001:1001::/home/you:/bin/sh\nftp:x:1002:1002::/srv:/usr/sbin/nologin\n`;
    expect(othersThan(1000, { passwd })).toEqual(['you']);
    expect(othersThan(0, { passwd })).toEqual(['me', 'you']);
  });

  it('may come from elsewhere', () => {
    const nsswitch = '# passwd: ldap\npasswd:   files [NOTFOUND=continue] sss # all of us\ngroup: files\n';
    expect(othersThan(1000, { passwd: PASSWD, nsswitch })).toEqual(['whom sss knows']);
  });
});
