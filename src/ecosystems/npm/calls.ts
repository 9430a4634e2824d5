/**
 * Calls of npm and npx that need no look at the rest of npm to be told apart, and what npm's settings are
 * read from. Words are exact: npm's abbreviations of them are for {@link npmStepsAside} to judge.
 *
 * @see https://github.com/npm/cli/blob/latest/lib/utils/cmd-list.js
 * @module
 */
import type { KnownCalls, SettingNames } from '../ecosystem.ts';
import { IN_THE_USERS_NAME, ON_SETTINGS } from './step-aside.ts';

const words = (text: string): string[] => text.split(' ');

/** They make npm say something about itself, whatever else is asked. */
const ABOUT_ITSELF = words('--version -v --help -h --usage');

/** Booleans in npm's own definitions, and options whose value is behind a `=`. */
const OPTIONS = words(
  '-q --quiet -s --silent --verbose -d -dd -ddd --loglevel=* --json --long -l --parseable --all -a --depth=* ' +
    '--color --no-color --color=* --progress --no-progress --progress=* --timing --no-update-notifier ' +
    '-y --yes -f --force -g --global --dry-run --offline --prefer-offline --prefer-online ' +
    '--ignore-scripts --ignore-scripts=* --foreground-scripts --if-present --audit --no-audit --audit=* --audit-level=* ' +
    '--fund --no-fund --fund=* --no-bin-links --install-links --install-strategy=* --prefer-dedupe --engine-strict ' +
    '--legacy-peer-deps --no-legacy-peer-deps --strict-peer-deps --omit=* --include=* --no-optional --production ' +
    '-S --save --no-save --save=* -P --save-prod -D --save-dev -O --save-optional -B --save-bundle --save-peer -E --save-exact ' +
    '--package-lock --no-package-lock --package-lock=* --package-lock-only --tag=* --os=* --cpu=* --libc=*',
);

/** Commands that install what the lockfile names, and that alone, after `node_modules` is removed. */
export const CLEAN_INSTALLS = words(
  'ci ic clean-install install-clean isntall-clean install-ci-test clean-install-test cit sit',
);

/** Commands that install what the lockfile names where they are told of no package. */
export const INSTALLS = words(
  'install i add in ins inst insta instal isnt isnta isntal isntall install-test it',
);

/** Commands that run what a package brings, and install it first where it is not here. */
export const EXECS = words('exec x');

/** Known calls of npm. */
export const npmCalls: KnownCalls = {
  aside: [...IN_THE_USERS_NAME, ...ON_SETTINGS, 'c'],
  idle: [
    ...ABOUT_ITSELF,
    ...words(
      'run run-script rum urn test tst t start stop restart ls list ll la root bin prefix version verison help hlep ' +
        'help-search completion query explore edit pkg explain why rebuild rb sbom',
    ),
  ],
  fetching: [
    ...CLEAN_INSTALLS,
    ...INSTALLS,
    ...EXECS,
    ...words(
      'update up upgrade u udpate uninstall unlink remove rm r un ' +
        'init create innit dedupe ddp find-dupes prune link ln pack audit outdated view v info show ' +
        'search find s se ping fund docs home bugs issues repo diff cache shrinkwrap',
    ),
  ],
  options: OPTIONS,
};

/** Known calls of npx: the first word names a package, and what follows is that one's. */
export const npxCalls: KnownCalls = {
  aside: [],
  idle: ABOUT_ITSELF,
  fetching: [],
  anyWord: true,
  options: words(
    '-y --yes --no --no-install -q --quiet -s --silent --verbose --loglevel=* --offline --prefer-offline --prefer-online ' +
      '--ignore-scripts --package=*',
  ),
};

const RENAMED = ['registry', 'globalconfig', 'replace_registry_host', 'noproxy'];
const npmsOwn = (name: string): string[] => [`npm_config_${name}`, `NPM_CONFIG_${name.toUpperCase()}`];

/** What npm's settings come from. It takes its variables in either case. */
export const settings: SettingNames = {
  variables: [
    ...[...RENAMED, 'userconfig', 'prefix', 'proxy', 'https_proxy', 'cert', 'key'].flatMap(npmsOwn),
    ...words('PREFIX DESTDIR HTTP_PROXY http_proxy HTTPS_PROXY https_proxy PROXY proxy NO_PROXY no_proxy'),
  ],
  otherVariables: ['@', '//'].flatMap(npmsOwn),
  led: RENAMED.map((name) => `npm_config_${name}`),
  projectFiles: ['.npmrc'],
  lockfiles: ['package-lock.json', 'npm-shrinkwrap.json'],
};
