import { guardsIn } from './mutation.ts';

/** The doctor does no harm. */
export const doctorGuards = [
  ...guardsIn('src/doctor/agent.ts', 'test/doctor/agent.test.ts', {
    why: 'An agent is killed that answers again',
    find: 'if (answers || agentProcess(directory) !== pid)',
    replace: 'if (agentProcess(directory) !== pid)',
    only: 'is left alone when it answers again',
  }),
  ...guardsIn(
    'src/doctor/asked.ts',
    'test/doctor/upstream.test.ts',
    {
      why: 'The doctor asks our own gate, as a stranger',
      find: '!leadsToUs(url, state) && ',
      replace: '',
      only: 'for a scope of the user',
    },
    {
      why: "One registry's credentials go to another",
      find: 'const { authorization } = upstream;',
      replace: 'const { authorization } = upstreams.find((each) => each.authorization) ?? upstream;',
      only: 'go to their own registry only',
    },
  ),
  ...guardsIn('src/doctor/shims.ts', 'test/doctor/shims.test.ts', {
    why: 'What is meant is repaired',
    find: 'if (isMeant) return { remedy };',
    replace: '',
    only: 'made where other directories are ours',
  }),
  ...guardsIn('src/doctor/shim-fault.ts', 'test/doctor/shims.test.ts', {
    why: 'What is right for another shell counts as wrong',
    find: "id: 'shim-for-elsewhere',\n      level: 'note',",
    replace: "id: 'shim-for-elsewhere',",
    only: 'made where other directories are ours',
  }),
  ...guardsIn('src/doctor/settings.ts', 'test/doctor/settings.test.ts', {
    why: "A newer version's settings are removed unasked",
    find: 'if (unknown !== undefined) return { remedy };',
    replace: '',
    only: 'that we do not know',
  }),
  ...guardsIn('src/doctor/leftovers.ts', 'test/commands/doctor.test.ts', {
    why: "A living agent's files are removed",
    find: "if (first?.kind !== 'absent') return [];",
    replace: 'if (!first) return [];',
    only: 'while an agent runs',
  }),
  ...guardsIn(
    'src/commands/doctor.ts',
    'test/commands/doctor.test.ts',
    {
      why: 'Repairs are made that nobody has agreed to',
      find: 'if (!flags.yes && !process.stdin.isTTY)',
      replace: 'if (!flags.yes && process.stdin.isTTY)',
      only: 'where nobody can be asked',
    },
    {
      why: 'What is not agreed to is repaired',
      find: 'if (!unasked && !(await confirmed(`${title}. ${fix!.what}?`))) return;',
      replace: 'if (!unasked) await confirmed(`${title}. ${fix!.what}?`);',
      only: 'leaves alone what is not agreed to',
    },
  ),
];
