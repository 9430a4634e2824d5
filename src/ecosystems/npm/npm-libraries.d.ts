/** The little of npm's own libraries by which we choose as it does; they bring no types. */
declare module 'npm-package-arg' {
  interface Spec {
    readonly type: 'version' | 'range' | 'tag' | 'alias' | 'git' | 'remote' | 'file' | 'directory';
    readonly name: string | null;
    /** What stands behind the name. */
    readonly rawSpec: string;
    /** Of an alias, what it stands for. */
    readonly subSpec?: Spec;
  }

  const npa: {
    /** @throws Error for what npm would not take */
    (argument: string, where?: string): Spec;
    resolve(name: string, spec: string, where?: string): Spec;
  };
  export default npa;
}

declare module 'npm-pick-manifest' {
  interface Packument<M> {
    readonly name: string;
    readonly 'dist-tags': Readonly<Record<string, string>>;
    readonly versions: Readonly<Record<string, M>>;
  }

  /** @throws Error where nothing fits */
  export default function pickManifest<M extends { readonly version: string }>(
    packument: Packument<M>,
    wanted: string,
    options: { readonly npmVersion: string; readonly nodeVersion: string },
  ): M;
}

declare module 'npm-install-checks' {
  const checks: {
    /** @throws Error where they do not fit */
    checkEngine(manifest: { readonly engines?: unknown }, npmVersion: string, nodeVersion: string): void;
    /** @throws Error where it does not fit */
    checkPlatform(
      manifest: { readonly os?: unknown; readonly cpu?: unknown; readonly libc?: unknown },
      force: boolean,
      environment: { readonly os: string; readonly cpu: string; readonly libc?: string },
    ): void;
  };
  export default checks;
}
