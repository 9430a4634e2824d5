/**
 * The environment of a tool that is led to us. What the user had is kept in `PYRSIA_WAS_<NAME>`, so a wrapper
 * that runs below another one decides anew, from what the user had.
 *
 * @module
 */

const WAS = 'PYRSIA_WAS_';

/** `env` with `changes`, and with what they replace kept. */
export function led(env: NodeJS.ProcessEnv, changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.keys(changes).map((name) => [`${WAS}${name}`, env[name] ?? ''] as const);
  return { ...env, ...changes, ...Object.fromEntries(kept) };
}

/** `env` as it was before {@link led}; tools take a variable that is empty for one that is not set. */
export function restored(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const before = { ...env };
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(WAS)) continue;
    delete before[name];
    if (value) before[name.slice(WAS.length)] = value;
    else delete before[name.slice(WAS.length)];
  }
  return before;
}
