/** The little of npm's own configuration reader that we use; the package brings no types. */
declare module '@npmcli/config' {
  type Definitions = Readonly<Record<string, { readonly default: unknown }>>;

  export default class Config {
    static readonly typeDefs: { readonly path: { readonly type: unknown } };

    constructor(options: {
      readonly definitions: Definitions;
      readonly shorthands: unknown;
      readonly flatten: unknown;
      readonly nerfDarts: readonly string[];
      readonly npmPath: string;
      readonly env: Record<string, string>;
      readonly argv: string[];
      readonly execPath: string;
      readonly cwd: string;
    });

    /** What each setting may be, in nopt's own notation. */
    types: Readonly<Record<string, unknown>>;
    readonly platform: NodeJS.Platform;
    readonly home: string;
    readonly localPrefix: string;
    readonly parsedArgv: { readonly remain: readonly string[] };
    /** What was read of each place: `user`, `global`, `builtin` … */
    readonly data: ReadonlyMap<
      string,
      { readonly source: string | null; readonly loadError?: { readonly code?: string } | null }
    >;
    /** Values by where they come from, the strongest first, each inheriting from the next. */
    readonly list: readonly Readonly<Record<string, unknown>>[];

    abbrevHandler: (short: string, long: string) => void;
    parseField: (value: unknown, key: string) => unknown;
    load(): Promise<void>;
    get(key: string): unknown;
    /** Where the value in force comes from: `cli`, `env`, `project`, `user`, `global` … */
    find(key: string): string | null;
  }
}

declare module '@npmcli/config/lib/definitions/index.js' {
  const exports: {
    readonly definitions: Readonly<Record<string, { readonly default: unknown; readonly type: unknown }>>;
    readonly shorthands: Readonly<Record<string, readonly string[]>>;
    readonly flatten: unknown;
    readonly nerfDarts: readonly string[];
  };
  export default exports;
}
