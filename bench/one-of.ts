/** Those of `all` that are named, with commas or one by one, in the order of `all`. */
export function oneOf<T extends string>(
  option: string,
  all: readonly T[],
  named: readonly string[] | undefined,
): T[] {
  const wanted = named?.flatMap((each) => each.split(',')) ?? all;
  const stranger = wanted.find((each) => !(all as readonly string[]).includes(each));
  if (stranger !== undefined) throw new TypeError(`--${option} ${stranger}: there are ${all.join(', ')}`);
  return all.filter((each) => wanted.includes(each));
}
