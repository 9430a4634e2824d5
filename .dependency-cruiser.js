/**
 * The storeys of the house, lowest first. A folder may import from its own folder and from lower storeys,
 * never sideways, never up. Adding a folder means adding it to one line here. Run by `npm run check:storeys`.
 */
const storeys = [
  ['errors', 'content', 'paths', 'ours'],
  ['cache', 'p2p', 'log', 'ecosystems'],
  ['verify', 'build', 'shims'],
  ['resolve', 'trust'],
  ['proxy', 'control', 'config'],
  ['authority'],
  ['session', 'agent'],
  ['command', 'doctor'],
  ['commands', 'main', 'shim'],
];
const under = (names) => `^src/(${names.join('|')})(/|\\.ts$)`;
const home = (name, packages, folder) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: folder },
  to: { path: `node_modules/(${packages})/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...storeys.slice(0, -1).map((storey, i) => ({
      name: `not-up-from-${storey.join('-')}`,
      severity: 'error',
      from: { path: under(storey) },
      to: { path: under(storeys.slice(i + 1).flat()) },
    })),
    ...storeys.slice(1).flatMap((storey) =>
      storey.map((name) => ({
        name: `not-sideways-from-${name}`,
        severity: 'error',
        from: { path: under([name]) },
        to: { path: under(storey.filter((other) => other !== name).concat('nothing')) },
      })),
    ),
    {
      name: 'every-folder-has-a-storey',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: under(storeys.flat()) },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure',
      comment: 'no I/O in the pure parts',
      severity: 'error',
      from: { path: '^src/(content|errors|ecosystems|log|verify)' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    home('libp2p-stays-in-p2p', '@libp2p|libp2p|@?multiformats|uint8arraylist', '^src/p2p/'),
    home('oclif-stays-in-commands', '@oclif', '^src/(commands?/|main\\.ts$)'),
    home('cacache-stays-in-cache', 'cacache', '^src/cache/'),
    home('undici-stays-in-proxy', 'undici|tldts', '^src/proxy/'),
    home('toml-stays-in-shims', 'smol-toml', '^src/shims/'),
    home('canonicalize-stays-in-log', 'canonicalize', '^src/log/'),
    home('xml-stays-in-maven', 'saxes', '^src/ecosystems/maven/'),
    home('purls-are-read-in-one-place', 'packageurl-js', '^src/ecosystems/purl\\.ts$'),
    home('zip-stays-in-shims', 'fflate', '^src/shims/'),
    home('npm-config-stays-in-shims', '@npmcli', '^src/shims/'),
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
