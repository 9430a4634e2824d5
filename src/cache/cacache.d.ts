/** The few calls of cacache that we make; the package brings no types. */
declare module 'cacache' {
  export interface IndexEntry {
    readonly key: string;
    readonly integrity: string;
    readonly path: string;
    readonly size: number;
    readonly time: number;
    readonly metadata: unknown;
  }

  interface InsertOptions {
    readonly size?: number;
    readonly time?: number;
    readonly metadata?: unknown;
  }

  const cacache: {
    readonly index: {
      insert(
        cache: string,
        key: string,
        integrity: string,
        options: InsertOptions,
      ): Promise<IndexEntry | undefined>;
    };
    readonly ls: { stream(cache: string): AsyncIterable<IndexEntry> };
    readonly rm: { entry(cache: string, key: string, options: { removeFully: boolean }): Promise<unknown> };
    readonly get: {
      info(cache: string, key: string): Promise<IndexEntry | null>;
      byDigest(cache: string, integrity: string): Promise<Uint8Array>;
    };
    readonly put: (
      cache: string,
      key: string,
      data: Uint8Array,
      options?: { algorithms?: string[]; metadata?: unknown },
    ) => Promise<string>;
    readonly verify: (cache: string) => Promise<unknown>;
  };
  export default cacache;
}
