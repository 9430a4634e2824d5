/**
 * The environment of a tool that is led to us. What the user had is kept in `PYRSIA_WAS_<NAME>`, so a wrapper
 * that runs below another one decides anew, from what the user had; and what we set in `PYRSIA_LED_<NAME>`, so
 * that it can tell what somebody has changed since, and meant.
 *
 * The stand-ins do the same in sh, which cannot hold a name that is no identifier: `PYRSIA_WAS_OTHERS` tells
 * them that there is one.
 *
 * @module
 */

const WAS = 'PYRSIA_WAS_';
const LED = 'PYRSIA_LED_';
const OTHERS = 'PYRSIA_WAS_OTHERS';

/** `env` with `changes`, and with what they replace kept. */
export function led(env: NodeJS.ProcessEnv, changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(changes)) {
    kept[`${WAS}${name}`] = env[name] ?? '';
    kept[`${LED}${name}`] = value;
    if (!/^[A-Za-z_]\w*$/.test(name)) kept[OTHERS] = '1';
  }
  return { ...env, ...changes, ...kept };
}

/** `env` as it was before {@link led}; tools take a variable that is empty for one that is not set. */
export function restored(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const before = { ...env };
  delete before[OTHERS];
  for (const [name, value] of Object.entries(before)) {
    if (!name.startsWith(WAS)) continue;
    const replaced = name.slice(WAS.length);
    const ours = env[`${LED}${replaced}`] ?? env[replaced];
    delete before[name];
    delete before[`${LED}${replaced}`];
    if (env[replaced] !== ours) continue;
    if (value) before[replaced] = value;
    else delete before[replaced];
  }
  return before;
}
