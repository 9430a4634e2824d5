/**
 * Makes what ships: `dist/`, bundled and minified, and `oclif.manifest.json`.
 *
 * The program and each command are entries of their own that share chunks, so a command loads what it imports and
 * nothing else; the agent, its peers and the stand-ins' client are one file each. Dependencies are bundled; the package
 * that npm installs has none.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { glob, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Plugin } from '@oclif/core';
import { build, type Metafile, type Plugin as BuildPlugin } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

const shared = {
  absWorkingDir: root,
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  minify: true,
  write: false,
  platform: 'node',
  target: 'node22',
  legalComments: 'none',
  logLevel: 'warning',
} as const;

const { metafile, outputFiles } = await build({
  ...shared,
  entryPoints: await Array.fromAsync(
    glob(['src/{main,command/help}.ts', 'src/commands/**/*.ts'], { cwd: root }),
  ),
  chunkNames: 'chunks/[hash]',
  splitting: true,
  metafile: true,
  format: 'esm',
  // Only asked for on a way that NODE_ENV below closes.
  external: ['typescript'],
  // CommonJS dependencies call require for Node's own modules.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  define: {
    // oclif looks for TypeScript sources when the user's NODE_ENV is development or test.
    'process.env.NODE_ENV': '"production"',
    // oclif compares Node's version with its own engines; bin/run.js has compared it with ours.
    'process.env.OCLIF_DISABLE_ENGINE_WARNING': '"1"',
  },
});
// Libraries that few runs need are read from the disk by those.
const peersApart: BuildPlugin = {
  name: 'peers apart',
  setup(bundle) {
    bundle.onResolve({ filter: /\/p2p\/peers\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './peers.cjs', external: true } : undefined,
    );
    // The hash table's own list for browsers does for a million nodes, and is a quarter of the other.
    bundle.onResolve({ filter: /\/generated-prefix-list\.js$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.replace(/\.js$/, '-browser.js')),
    }));
  },
};
// A run of a tool waits for these, and a module by itself takes half as long to load.
const waitedFor = await build({
  ...shared,
  entryPoints: { shim: 'src/shim.ts', agent: 'src/agent.ts', peers: 'src/p2p/peers.ts' },
  metafile: true,
  format: 'cjs',
  plugins: [peersApart],
  // By require, which needs no module's façade.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.dirname': '__dirname', 'process.env.NODE_ENV': '"production"' },
  outExtension: { '.js': '.cjs' },
});
// Only now: a build that fails leaves the last one as it was.
await rm(dist, { recursive: true, force: true });
for (const { path, contents } of [...outputFiles, ...waitedFor.outputFiles]) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}
await writeFile(join(dist, 'build.json'), JSON.stringify({ commit: commit() }));
await writeFile(join(dist, 'THIRD-PARTY-NOTICES.txt'), await notices([metafile, waitedFor.metafile]));
await writeFile(join(root, 'oclif.manifest.json'), JSON.stringify(await manifest()));

/** The commit this is built from, with `-dirty` if files differ from it; undefined outside of a repository. */
function commit(): string | undefined {
  try {
    const args = ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'];
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

/** The licences of all packages that have been bundled, as they ask for. */
async function notices(bundles: readonly Metafile[]): Promise<string> {
  const inputs = bundles.flatMap((each) => Object.keys(each.inputs));
  const packages = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  const texts = [...new Set(packages)].toSorted().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    const file = (await readdir(join(root, folder))).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? await readFile(join(root, folder, file), 'utf8') : `Licence: ${license}`;
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}

/** What oclif would otherwise find out by loading every command. */
async function manifest(): Promise<unknown> {
  const plugin = new Plugin({ root, isRoot: true, ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  return plugin.manifest;
}
