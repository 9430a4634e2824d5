/**
 * Package URLs as users type them.
 *
 * @see https://github.com/package-url/purl-spec
 * @module
 */

/** A package URL, taken apart and not normalised: a normalised npm purl is in lower case, and `JSONStream` is not `jsonstream`. */
export interface Purl {
  readonly type?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly qualifiers?: ConstructorParameters<typeof URLSearchParams>[0];
  readonly subpath?: string | undefined;
}

/** Takes a package URL apart, or fails with what is wrong with it. */
export async function parsePurl(text: string, fail: (reason: string) => never): Promise<Purl> {
  // It makes a collator, which takes longer than everything else that an agent loads at its start.
  const { PackageURL } = (await import('packageurl-js')).default;
  try {
    const [type, namespace, name, version, qualifiers, subpath] = PackageURL.parseString(text);
    return { type, namespace, name, version, qualifiers, subpath };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
