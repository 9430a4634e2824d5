/**
 * The agent: does it answer, is it ours, whom does it serve.
 *
 * @module
 */
import { join } from 'node:path';
import { openConnection } from '../control/connection.ts';
import { socketPath } from '../control/directory.ts';
import { agentProcess, type AgentSeen, type AgentsSeen } from './agents-seen.ts';
import type { Finding } from './finding.ts';
import { opener } from './processes.ts';
import type { Patient } from './patient.ts';
import { word } from '../shims/sh.ts';

/** Looks at the agents of this user. */
export async function lookAtAgent(patient: Patient): Promise<readonly Finding[]> {
  const seen = await patient.agents();
  return [...ofFirst(seen), ...(seen.first === seen.ours && seen.ours ? ofOurs(seen.ours, patient) : [])];
}

function ofFirst({ first, ours, net }: AgentsSeen): Finding[] {
  if (first?.kind === 'silent') return [silent(first)];
  const isElsewhere = first?.kind === 'running' && first !== ours;
  return isElsewhere ? [elsewhere(first, net)] : [];
}

function silent({ directory, pid, reason }: Extract<AgentSeen, { kind: 'silent' }>): Finding {
  const socket = socketPath(directory);
  return {
    id: 'agent-silent',
    level: 'wrong',
    title: `The agent${pid === undefined ? '' : ` (process ${pid})`} runs, but does not answer at ${socket}: ${reason}`,
    cost: 'Each command that fetches waits for it in vain and then runs without pyrsia',
    remedy: pid === undefined ? `kill -KILL $(lsof -t ${word(socket)})` : `kill -KILL ${pid}`,
    ...(pid !== undefined && {
      fix: {
        what: `End process ${pid}, so that the next command starts another agent`,
        async run() {
          const answers = await openConnection(directory).then(
            (agent) => agent?.[Symbol.asyncDispose]().then(() => true),
            () => false,
          );
          if (answers || agentProcess(directory) !== pid)
            return 'The agent answers again, or has ended by itself';
          process.kill(pid, 'SIGKILL');
          while (agentProcess(directory) === pid) await new Promise((resolve) => setTimeout(resolve, 20));
          return `Ended the agent (process ${pid})`;
        },
      },
    }),
  };
}

function elsewhere({ hello }: Extract<AgentSeen, { kind: 'running' }>, net: string | undefined): Finding {
  return {
    id: 'agent-elsewhere',
    level: 'wrong',
    title: `The agent (process ${hello.pid}) serves network namespace ${hello.net}, this is ${net}`,
    cost: 'An agent that is started here reads the cache but keeps nothing of what it fetches, and takes the slow way',
    remedy: `kill ${hello.pid}`,
  };
}

function ofOurs(
  { hello, status, directory }: Extract<AgentSeen, { kind: 'running' }>,
  { version, paths: { cache } }: Patient,
): Finding[] {
  const findings: Finding[] = [];
  if (hello.pyrsia !== version) {
    findings.push({
      id: 'agent-version',
      level: 'wrong',
      title: `The agent (process ${hello.pid}) is pyrsia ${hello.pyrsia}, this is ${version}`,
      cost: 'What fetches goes on as the other version does it, until nobody uses that agent any more',
      remedy: 'pyrsia agent stop',
      fix: {
        what: `End the agent of version ${hello.pyrsia}, if nobody uses it`,
        run: () => stop(directory),
      },
    });
  }
  if (status?.readOnly !== undefined) {
    const other = opener(join(cache, 'writer.lock'), hello.pid);
    findings.push({
      id: 'agent-keeps-nothing',
      level: 'wrong',
      title: `The agent (process ${hello.pid}) keeps nothing: ${status.readOnly}${other === undefined ? '' : ` (process ${other})`}`,
      cost: 'What is not cached yet is fetched anew each time',
      remedy: other !== undefined ? `kill ${other} && pyrsia agent stop` : 'pyrsia agent stop',
      ...(other === undefined && {
        fix: {
          what: 'End the agent, if nobody uses it: the next one tries again to write the cache',
          run: () => stop(directory),
        },
      }),
    });
  }
  return findings;
}

async function stop(directory: string): Promise<string> {
  await using agent = await openConnection(directory);
  if (!agent) return 'The agent had ended already';
  const { stopping } = await agent.call('stop', { whenIdle: true });
  if (!stopping) throw new Error('something runs through it: try again later, or pyrsia agent stop');
  await agent.closed;
  return `Ended the agent (process ${agent.hello.pid})`;
}
