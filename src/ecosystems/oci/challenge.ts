/**
 * What a registry asks for before it answers.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @module
 */

/** One way to be let in. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** The most characters of a header that are looked at. */
const HEADER_LIMIT = 8192;

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))\\s*(?:,|$)`, 'y');
const SCHEME = new RegExp(`[\\s,]*(${token})(?:\\s+|$|,)`, 'y');

/** Reads WWW-Authenticate, which may hold several. What cannot be read, and all that follows it, is left out. */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, HEADER_LIMIT);
  const challenges: Challenge[] = [];
  for (let at = 0; at < text.length;) {
    SCHEME.lastIndex = at;
    const [whole = '', scheme = ''] = SCHEME.exec(text) ?? [];
    if (whole === '') break;
    at += whole.length;
    const parameters: Record<string, string> = {};
    for (;;) {
      PARAMETER.lastIndex = at;
      const found = PARAMETER.exec(text);
      if (!found) break;
      const [all, name = '', quoted, bare = ''] = found;
      const value = quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1');
      if (!Object.hasOwn(parameters, name.toLowerCase())) parameters[name.toLowerCase()] = value;
      at += all.length;
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}
