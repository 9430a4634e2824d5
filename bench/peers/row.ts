/** One line of the table: what is measured, and the line that it is measured against. */
export interface Row {
  readonly name: string;
  readonly unit: 'ms' | 'MiB/s' | 'requests/s';
  /** Measures once. */
  measure(): Promise<number>;
}

/** Lines that are measured in turns, the first of which is what the others are held against. */
export interface Rows extends AsyncDisposable {
  readonly rows: readonly Row[];
}
