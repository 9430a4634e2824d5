import { keptPorts } from '../control/ports.ts';

/** Whether `url` is an address at which the agent serves a registry. */
export function leadsToUs(url: string, state: string): boolean {
  const { hostname, port } = new URL(url);
  if (hostname !== 'localhost' && !/^(127\.|\[::1\]$)/.test(hostname)) return false;
  return keptPorts(state, () => {})
    .list()
    .some(([, kept]) => kept === Number(port));
}
