/**
 * Ports that the agent had or is to have, and that somebody else has.
 *
 * @module
 */
import { connect } from 'node:net';
import { keptPorts } from '../control/ports.ts';
import type { Finding } from './finding.ts';
import { listener } from './processes.ts';
import type { Patient } from './patient.ts';

/** Looks who listens where our next agent would. A running agent has had its choice. */
export async function lookAtPorts(patient: Patient): Promise<readonly Finding[]> {
  const { first } = await patient.agents();
  if (first?.kind !== 'absent') return [];
  const { 'proxy.host': host, 'proxy.port': configured } = patient.config.values;
  const kept = keptPorts(patient.paths.state, () => {});
  const known = kept.list();
  const wanted = configured === 'auto' || known.some(([, port]) => port === configured) ? [] : [configured];

  const taken = async (port: number): Promise<boolean> => answersAt(host, port, patient.signal);
  const ofKept = known.map(async ([upstream, port]): Promise<Finding[]> => {
    if (!(await taken(port))) return [];
    return [
      {
        id: 'port-taken',
        level: 'wrong',
        title: `Port ${port}, which is kept for ${upstream}, is taken${by(port)}`,
        cost: 'The next agent serves it at another port, and npm fetches anew what its own cache knows under the old one',
        remedy: 'pyrsia doctor --fix',
        fix: {
          what: `Forget port ${port}: the next agent takes a free one, and keeps that`,
          run: () => {
            kept.forget(upstream);
            return Promise.resolve(`Forgot port ${port} of ${upstream}`);
          },
        },
      },
    ];
  });
  const ofConfigured = wanted.map(async (port): Promise<Finding[]> => {
    if (!(await taken(port))) return [];
    return [
      {
        id: 'configured-port-taken',
        level: 'wrong',
        title: `Port ${port}, which proxy.port names, is taken${by(port)}`,
        cost: 'The next agent serves at another port',
        remedy: 'pyrsia config set proxy.port auto',
      },
    ];
  });
  return (await Promise.all([...ofKept, ...ofConfigured])).flat();
}

/** Whether somebody accepts connections there. */
function answersAt(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    const settle = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

function by(port: number): string {
  const found = listener(port);
  return found ? ` by process ${found.pid} (${found.name})` : ' by another program';
}
