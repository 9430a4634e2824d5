/**
 * The C library of this machine, in the words that packages use.
 *
 * @module
 */

let known: { readonly libc: 'glibc' | 'musl' | undefined } | undefined;

/** `glibc` or `musl`; undefined where there is neither. Found out once, as npm itself does. */
export function libcHere(): 'glibc' | 'musl' | undefined {
  return (known ??= { libc: find() }).libc;
}

function find(): 'glibc' | 'musl' | undefined {
  if (process.platform !== 'linux') return undefined;
  // Otherwise it looks up the names of all who are connected.
  Object.assign(process.report, { excludeNetwork: true });
  const report: { header?: { glibcVersionRuntime?: string }; sharedObjects?: readonly string[] } =
    process.report.getReport();
  if (report.header?.glibcVersionRuntime) return 'glibc';
  return report.sharedObjects?.some((file) => /libc\.musl-|ld-musl-/.test(file)) ? 'musl' : undefined;
}
