/**
 * A docker daemon whose own configuration leads it to us.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { keptPorts } from '../control/ports.ts';
import { readDockerLed } from '../shims/docker-led.ts';
import { type AccountFiles, accountFiles, othersThan } from '../shims/people.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';

/** Looks whether it finds us, and nobody else in our place. */
export async function lookAtDocker(
  { paths: { state }, uid, agents }: Pick<Patient, 'paths' | 'uid' | 'agents'>,
  accounts?: AccountFiles,
): Promise<readonly Finding[]> {
  const led = readDockerLed(state);
  if (!led || uid === undefined) return [];
  const findings: Finding[] = [];
  const others = othersThan(uid, accounts ?? accountFiles());
  if (others.length > 0)
    findings.push({
      id: 'docker-led-open',
      level: 'wrong',
      title: `Docker's daemon is led to pyrsia by ${led.file}, and others may use this machine: ${others.slice(0, 3).join(', ')}`,
      cost: 'Whoever takes the port while no agent runs chooses what tags mean for a daemon that is root',
      remedy: 'pyrsia docker disable',
    });
  const port = keptPorts(state, () => {})
    .list()
    .find(([name]) => name === 'images')?.[1];
  const isNamed = existsSync(led.file) && readFileSync(led.file, 'latin1').includes(led.base.slice(0, -1));
  if (!isNamed)
    findings.push({
      id: 'docker-led-altered',
      level: 'wrong',
      title: `${led.file} no longer names ${led.base}, as pyrsia docker enable had it`,
      cost: "Docker's daemon fetches without pyrsia, and the agent stays for nothing",
      remedy: 'pyrsia docker enable, or pyrsia docker disable',
    });
  else if (port !== undefined && String(port) !== new URL(led.base).port)
    findings.push({
      id: 'docker-led-port',
      level: 'wrong',
      title: `${led.file} names ${led.base}, and images are served at port ${port}`,
      cost: "Docker's daemon asks there in vain, or somebody else answers",
      remedy: 'pyrsia docker enable',
    });
  else if ((await agents()).first?.kind === 'absent')
    findings.push({
      id: 'docker-led-absent',
      level: 'wrong',
      title: `Docker's daemon is led to ${led.base}, where no agent runs`,
      cost: 'It fetches from registries itself; another program could take the port, and choose what tags mean',
      remedy: 'pyrsia docker enable',
    });
  return findings;
}
