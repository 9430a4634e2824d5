import { guardsIn } from './mutation.ts';

const decides = 'test/shims/shim-script.test.ts';
const leads = 'test/shims/shim-script-quick.test.ts';
const client = 'test/shims/shim-client.test.ts';

/** Stand-ins lead nobody astray, do not run in circles, and are not there for a tool that is to be left alone. */
export const standInGuards = [
  ...guardsIn(
    'src/shims/shim-decides.ts',
    decides,
    {
      why: 'A tool below another one finds its user changed',
      find: 'unset "PYRSIA_WAS_$pyrsia_line" "PYRSIA_LED_$pyrsia_line"',
      replace: '',
      only: 'by dash.*gives back what the user had',
    },
    {
      why: 'What somebody has set since, and meant, is lost',
      find: 'if eval \'[ "',
      replace: 'if eval \': "',
      only: 'by dash.*keeps what somebody has set since',
    },
    {
      why: 'A stand-in and a version manager run each other',
      find: '"e:$$:"* | "c:$PPID:"*)',
      replace: '"e:x:"* | "c:x:"*)',
      only: 'by dash.*do not run one another for ever',
    },
    {
      why: 'A tool that starts itself does so longer than is said',
      find: 'DEPTH_LIMIT = 16',
      replace: 'DEPTH_LIMIT = 19',
      only: 'by dash.*do not even if it starts another process',
    },
    {
      why: 'A directory is run in place of the tool',
      find: '&& [ -f "$pyrsia_file" ] || continue',
      replace: '|| continue',
      only: 'by dash.*behind what cannot be run',
    },
    {
      why: 'An option that we do not know is taken to change nothing',
      find: "'-*) pyrsia_way=slow; break ;;'",
      replace: "'-*) ;;'",
      only: 'by dash.*about npm ci --(frob|prefix|globalconfig)',
    },
    {
      why: 'PYRSIA=off is not obeyed',
      find: 'PYRSIA-}" = off',
      replace: 'PYRSIA-}" = on',
      only: 'by dash.*PYRSIA=off',
    },
    {
      why: 'A shim that is switched off leads',
      find: "disabled ? 'true'",
      replace: "disabled ? 'false'",
      only: 'by dash.*where it is disabled',
    },
    {
      why: 'A tool is left with names of an agent that no shell can take back',
      find: 'PYRSIA_WAS_OTHERS+x}" ]; then exec',
      replace: 'PYRSIA_NOBODY+x}" ]; then exec',
      only: 'by dash.*leaves names that no shell can hold to Node',
    },
    {
      why: 'A call that must not be led is, because names have to be given back before',
      find: 'PYRSIA-}" PYRSIA=off',
      replace: 'PYRSIA-}"',
      only: 'by dash.*leaves names that no shell can hold to Node',
    },
  ),
  ...guardsIn(
    'src/shims/terminal-script.ts',
    'test/shims/terminal-script.test.ts',
    {
      why: 'Ctrl-C ends the stand-in before the tool has tidied up',
      find: 'trap : INT QUIT\n',
      replace: '',
      only: 'dash.*outlives an interrupt',
    },
    {
      why: 'Who calls a stand-in cannot tell that the tool was killed',
      find: 'kill "-$((pyrsia_end - 128))" "$$"',
      replace: ':',
      only: 'dash.*ends by SIGTERM',
    },
    {
      why: 'The receipt comes into what the tool gives out',
      find: '"$pyrsia_line" >&2',
      replace: '"$pyrsia_line"',
      only: 'dash.*has its arguments',
    },
    {
      why: 'The tool gets a descriptor of ours',
      find: ' 9>&-',
      replace: '',
      only: 'dash.*has the descriptors',
    },
    {
      why: "The user's own descriptor is taken away",
      find: '{ true >&9; } 2>/dev/null',
      replace: 'false',
      only: 'dash.*has the descriptors',
    },
    {
      why: 'A version manager below a terminal runs in circles',
      find: ':c:$$:',
      replace: ':e:$$:',
      only: 'dash.*knows that it runs below',
    },
  ),
  ...guardsIn(
    'src/shims/shim-script.ts',
    decides,
    {
      why: 'What every Node is to load breaks ours',
      find: '$NODE_OPTIONS" NODE_OPTIONS=',
      replace: '$NODE_OPTIONS"',
      only: 'by dash.*without what the user wants every Node to load',
    },
    {
      why: 'No npm runs when our Node is gone',
      find: '[ -x ${quoted(node)} ] && ',
      replace: '',
      only: 'by dash.*and runs the tool where that is gone',
    },
    {
      why: 'PYRSIA_STRICT=1 is not obeyed where our Node is gone',
      find: '!= 1 ] || exit 125',
      replace: '!= 1 ] || :',
      only: 'by dash.*and runs the tool where that is gone',
    },
    {
      why: 'No npm runs in a directory that was removed',
      find: 'if [ . -ef "$PWD" ]; then',
      replace: 'if :; then',
      only: 'by dash.*not in a directory that is gone',
    },
  ),
  ...guardsIn('src/shims/shim-script.ts', leads, {
    why: 'A tool is left half-led',
    find: 'pyrsia_restore\nexec',
    replace: 'exec',
    only: 'by dash.*comes to nothing',
  }),
  ...guardsIn(
    'src/shims/shim-script.ts',
    'test/shims/shim-header.test.ts',
    {
      why: "A user's $BASH_ENV runs in each stand-in",
      find: "isBash(interpreter) ? ' -p' : ''",
      replace: "''",
    },
    {
      why: 'A path becomes a command of cmd.exe',
      find: '/[%^&|<>!]/g',
      replace: '/[%]/g',
    },
    {
      why: 'A file counts as ours that is not',
      find: 'isHeader(said) ? said : undefined',
      replace: 'said as ShimHeader',
    },
  ),
  ...guardsIn(
    'src/shim.ts',
    client,
    {
      why: 'What only the client was not to see leads to us all the same',
      find: "process.env['PYRSIA'] === 'off' || ",
      replace: '',
      only: 'gives back names that no shell can hold',
    },
    {
      why: 'A project that does without us does not',
      find: ' || !config.enabled',
      replace: '',
      only: 'steps aside where a project wants that',
    },
    {
      why: 'Publishing goes through us',
      find: ' || known.stepAside(args) !== undefined',
      replace: '',
      only: 'steps aside for npm pub',
    },
    {
      why: 'A tool ignores signals because Node does',
      find: "['SIGPIPE', 'SIGXFSZ']",
      replace: '[]',
      only: 'leaves signals and descriptors',
    },
    {
      why: 'No npm runs where no agent can live',
      find: '(pyrsia doctor)`);\n    become(call, env);',
      replace: '(pyrsia doctor)`);',
      only: 'where no agent can live',
    },
  ),
  ...guardsIn(
    'src/shims/inherited.ts',
    'test/shims/inherited.test.ts',
    {
      why: 'A tool may open more files than its user wants it to',
      find: '`ulimit -Sn ${files}\\n${script}`',
      replace: 'script',
    },
    {
      why: 'What is ignored with nohup ends the tool',
      find: 'ignored.length === 0',
      replace: 'ignored.length >= 0',
    },
    {
      why: 'A tool cannot be ended by Ctrl-\\, since a shell ignores that',
      find: 'n !== 3 || all.includes(2)',
      replace: 'n > 0',
    },
  ),
  ...guardsIn(
    'src/command/launch.ts',
    'test/command/launch.test.ts',
    {
      why: 'A credential outlives a launch that the agent has refused',
      find: 'removeLaunch(agent.directory, { id, name });',
      replace: '',
    },
    {
      why: 'A tool waits for an agent that says nothing',
      find: '{ signal });',
      replace: '{});',
    },
  ),
  ...guardsIn(
    'src/shims/environment.ts',
    'test/shims/environment.test.ts',
    {
      why: 'What somebody has changed since, and meant, is lost',
      find: 'if (env[replaced] !== ours) continue;',
      replace: '',
    },
    {
      why: 'A stand-in does not learn of names that it cannot give back',
      find: "kept[OTHERS] = '1';",
      replace: ';',
    },
    {
      why: 'Everything below a launch is left to Node, for ever',
      find: 'delete before[OTHERS];',
      replace: '',
    },
  ),
];
