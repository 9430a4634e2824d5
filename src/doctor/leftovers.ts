/**
 * What an agent leaves that was killed.
 *
 * @module
 */
import { existsSync, rmSync } from 'node:fs';
import { openConnection } from '../control/connection.ts';
import { socketPath } from '../control/directory.ts';
import { leftovers } from '../shims/launches.ts';
import { quickFile } from '../shims/quick-file.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';
import { TOOLS } from './tools.ts';

/** Looks only where no agent lives: one that does tidies up by itself. */
export async function lookForLeftovers(patient: Patient): Promise<Finding[]> {
  const { first } = await patient.agents();
  if (first?.kind !== 'absent') return [];
  const { directory } = first;
  const socket = socketPath(directory);
  const launches = leftovers(directory);
  const others = [socket, ...TOOLS.map(({ executable }) => quickFile(directory, executable))].filter((path) =>
    existsSync(path),
  );
  const files = [...others, ...launches];
  if (files.length === 0) return [];
  const dead = others.includes(socket) ? `nobody listens at ${socket}` : `files are left in ${directory}`;
  return [
    {
      id: 'agent-leftovers',
      level: 'note',
      title: `The last agent was killed before it could tidy up: ${dead}${launches.length > 0 ? `, ${launches.length} files of launches that are over are left` : ''}`,
      cost:
        launches.length > 0
          ? "Copies of npm's global configuration lie there, readable by you alone, until the next agent removes them"
          : 'Nothing: the next agent tidies up. If it was not killed, pyrsia agent logs may say why it ended',
      remedy: 'pyrsia doctor --fix',
      fix: {
        what: `Remove ${files.length === 1 ? files[0] : `${files.length} files in ${directory}`}`,
        async run() {
          await using agent = await openConnection(directory);
          if (agent) return 'An agent has been started meanwhile, and has tidied up';
          // Looked up again: somebody may have taken to one of them.
          for (const path of [...others, ...leftovers(directory)])
            rmSync(path, { recursive: true, force: true });
          return `Removed ${files.length === 1 ? files[0] : `${files.length} files in ${directory}`}`;
        },
      },
    },
  ];
}
