import { guardsIn } from './mutation.ts';

/** A launch that did not ask is served only as if it had, and none is lost. */
export const launchGuards = [
  ...guardsIn('src/agent/accounts.ts', 'test/agent/reception.test.ts', {
    why: 'How an engine gets an image hides where pyrsia pull had it from',
    find: 'if (kept) keepReceipt(',
    replace: 'keepReceipt(',
    only: 'part of another command',
  }),
  ...guardsIn(
    'src/shims/quick-file.ts',
    'test/shims/quick-file.test.ts',
    {
      why: 'What changes in the second in which settings are read is never seen',
      find: 'Math.floor(readAt / 1000) - 1',
      replace: 'readAt / 1000',
    },
    {
      why: "Other users can read a copy of npm's configuration",
      find: '{ mode: 0o600 }',
      replace: '{ mode: 0o644 }',
    },
    {
      why: 'A variable is set that no stand-in can give back',
      find: 'settings.led.includes(name)',
      replace: 'true',
    },
    {
      why: 'One launch is led by the credential of another',
      find: '!line.includes(credential) && ',
      replace: '',
    },
    {
      why: 'A line end in a setting becomes a line of the answer',
      find: 'if (values.some((value) => /[\\n\\0]/.test(value))) return false;',
      replace: '',
    },
    {
      why: 'A file that has gone has no say',
      find: 'changedAt !== undefined && changedAt <=',
      replace: 'changedAt === undefined || changedAt <=',
    },
  ),
  ...guardsIn(
    'src/agent/quick-answers.ts',
    'test/agent/quick-answers.test.ts',
    {
      why: 'A stand-in that was mistaken is served all the same',
      find: 'if (isDeepStrictEqual(lines, followed.answer?.lines))',
      replace: 'if (lines)',
      only: 'is refused when its answer is no longer right',
    },
    {
      why: 'A tool that a stand-in misjudges once is refused again and again',
      find: 'mistaken.add(name);',
      replace: '',
      only: 'is refused when its answer is no longer right',
    },
    {
      why: "One tool follows another's answer",
      find: 'if (followed?.tool !== name)',
      replace: 'if (!followed)',
      only: 'gave it for another tool',
    },
    {
      why: 'A launch below another is judged by what we have set',
      find: 'relevantOf(restored(await environmentOf(launch.pid).catch(unreadable)))',
      replace: 'relevantOf(await environmentOf(launch.pid).catch(unreadable))',
      only: 'for its own environment',
    },
    {
      why: 'An answer comes back after it was withdrawn',
      find: 'if (before !== withdrawals) return;',
      replace: '',
      only: 'also the one that is just being found',
    },
    {
      why: 'What is to be told is told to nobody',
      find: ' || session.receipt().notes.length > 0) return undefined;',
      replace: ') return undefined;',
      only: 'where there is something to tell',
    },
    {
      why: "One project's settings hold everywhere",
      find: "cwd: '/', args: []",
      replace: 'args: []',
      only: 'outside of any project',
    },
    {
      why: 'Artifacts are fetched past us where a registry keeps them elsewhere',
      find: 'if (isNews) withdrawOf(tool);',
      replace: '',
      only: 'keep its artifacts elsewhere',
    },
    {
      why: 'Stand-ins follow an agent that is dead',
      find: 'quick.removeQuickFiles(directory);\n\n',
      replace: '\n',
      only: 'of an agent before us',
    },
    {
      why: 'An answer stays when what it rests on has changed',
      find: 'return quick.areUnchanged(last.sources, last.readAt);',
      replace: 'return true;',
      only: 'is left as it is while',
    },
    {
      why: 'An answer stays when settings cannot be read any more',
      find: 'withdrawOf(tool);\n        log',
      replace: 'log',
      only: 'whose settings cannot be read',
    },
  ),
  ...guardsIn('src/shims/process-environment.ts', 'test/shims/process-environment.test.ts', {
    why: 'A launch that is just becoming its tool has no environment, and is refused',
    find: "tries < TRIES && text === ''",
    replace: 'tries < 1',
    only: 'while the process becomes another program',
  }),
  ...guardsIn(
    'src/agent/reception.ts',
    'test/agent/reception.test.ts',
    {
      why: 'A launch is answered whose process has ended while it was held back',
      find: 'if (!launches.find(id)) throw',
      replace: "if (id === '') throw",
      only: 'held back leaves nothing',
    },
    {
      why: 'A launch is served whose process has ended meanwhile',
      find: 'if (!launches.find(launch.id)) throw',
      replace: "if (launch.id === '') throw",
      only: 'ends while its settings are read',
    },
    {
      why: 'One launch is opened several times, and its report torn apart',
      find: 'if (!opened) plans',
      replace: 'plans',
      only: 'is planned once',
    },
    {
      why: 'A launch that nobody told of is known only when its tool waits',
      find: 'void open(launch).catch(() => undefined)',
      replace: 'undefined',
      only: 'that nobody told of',
    },
    {
      why: 'A launch outlives the command that waits for it',
      find: 'launches.admit(id, until)',
      replace: 'launches.admit(id)',
      only: 'unless it stays',
    },
  ),
  ...guardsIn('src/agent/sessions.ts', 'test/agent/sessions.test.ts', {
    why: 'Configuration is written into a file that lies there already',
    find: ", flag: 'wx' }",
    replace: ' }',
    only: 'writes over no file',
  }),
  ...guardsIn(
    'src/shims/launches.ts',
    'test/shims/launches.test.ts',
    {
      why: 'A launch is removed while it is being written',
      find: 'isNobodys && ageOf(path) > REFUSED_KEPT_MS',
      replace: 'isNobodys',
      only: 'why it is left alone',
    },
    {
      why: 'A launch loses its files after a minute',
      find: 'isNobodys && ageOf(path) > REFUSED_KEPT_MS',
      replace: 'ageOf(path) > REFUSED_KEPT_MS',
      only: 'keeps the files of a launch',
    },
    {
      why: 'A launch that nobody saw come is never served',
      find: 'if (!running.has(id)) takeUp(id);\n    const owners',
      replace: ';\n    const owners',
      only: 'that went unseen',
    },
  ),
  ...guardsIn('src/agent.ts', 'test/e2e/quick.test.ts', {
    why: 'Stand-ins are invited by an agent that is gone',
    find: 'quick.withdraw();\n      reception.look();',
    replace: 'reception.look();',
    only: 'keeps an agent that has nothing else to do',
  }),
  ...guardsIn('src/agent.ts', 'test/e2e/strangers.test.ts', {
    why: 'A launch asks as whoever it likes',
    find: 'session?.askers.get(upstream.href)',
    replace: 'session?.askers.values().next().value ?? (upstream && undefined)',
    only: 'that is none of its own',
  }),
  ...guardsIn('src/control/lifecycle.ts', 'test/control/lifecycle.test.ts', {
    why: 'An agent ends although somebody was just led to it',
    find: 'if (busy() === 0) service.withdraw();',
    replace: '',
    only: 'at the last moment',
  }),
  ...guardsIn('src/control/lifecycle.ts', 'test/control/lifecycle.test.ts', {
    why: 'An agent is replaced although somebody was just led to it',
    find: 'if (whenIdle && busy() <= 2) service.withdraw();',
    replace: '',
    only: 'stays for a launch that nobody told of',
  }),
  ...guardsIn(
    'src/proxy/gate.ts',
    'test/proxy/gate.test.ts',
    {
      why: 'A launch that cannot be served gets what it asks for, or no reason',
      find: "if (admitted instanceof PyrsiaError) return reply(response, parts.refuse('refused', admitted.message));",
      replace: "if (admitted instanceof PyrsiaError) return reply(response, plain(401, ''));",
      only: 'that cannot be served',
    },
    {
      why: 'Whoever shows a credential too early is let in, or turned away',
      find: 'await admit(credential).catch(reasonOf)',
      replace: '(await Promise.race([admit(credential).catch(reasonOf), undefined]))',
      only: 'wait until it is known who asks',
    },
  ),
];
