/**
 * What happens in a world: submitters hand in what was observed, and try again until they are answered.
 *
 * @module
 */
import { leafHash } from '../../src/content/merkle.ts';
import { provenCheckpoint } from '../../src/log/policy.ts';
import { encodeBase64 } from '../../src/log/text.ts';
import { type Machine, openSimulation, type Simulation } from './authorities.ts';
import { network, observation, QUORUM } from './parties.ts';

/** How many packages are observed in a world. */
export const PACKAGES = 3;

/** How long a world has trouble, and how long it may take until all is well again, in milliseconds. */
const TROUBLE_MS = 1500;
const CALM_MS = 120_000;
const FORKED_MS = 5000;

export interface Story {
  readonly simulation: Simulation;
  /** What was acknowledged, and how many entries were final then. */
  readonly acknowledged: { readonly index: bigint; readonly leaf: string; readonly final: bigint }[];
  /** Packages that are in the log as far as their submitters know. */
  readonly done: Set<number>;
  /** Every checkpoint that was ever written as final, by its file. */
  readonly final: Map<Uint8Array, { readonly size: bigint; readonly root: string }>;
}

/** Lets a world pass in which submitters try until they are answered. */
export async function told(seed: number, equivocates: boolean): Promise<Story> {
  const simulation = await openSimulation(seed, equivocates);
  const { world, sequencers } = simulation;
  const acknowledged: Story['acknowledged'] = [];
  const done = new Set<number>();
  const final: Story['final'] = new Map();

  /** What a machine publishes as final. */
  const finalOf = ({ log }: Machine): { readonly size: bigint } | undefined => {
    const bytes = log.get('checkpoint');
    if (bytes === undefined) return undefined;
    let proven = final.get(bytes);
    if (proven === undefined) {
      const { size, root } = provenCheckpoint(Buffer.from(bytes).toString(), network.policy);
      final.set(bytes, (proven = { size, root: encodeBase64(root) }));
    }
    return proven;
  };

  /** Whether it is in the log now. */
  const hand = async (to: Machine, entry: Uint8Array, signal: AbortSignal): Promise<boolean> => {
    try {
      const index = await to.intake?.add(entry, signal);
      if (index === undefined) return false;
      const leaf = encodeBase64(leafHash(entry));
      acknowledged.push({ index, leaf, final: finalOf(to)?.size ?? 0n });
      return true;
    } catch (error) {
      return String(error).includes('says it already');
    }
  };
  const submit = (number: number): void => {
    if (done.has(number)) return;
    const to = sequencers[world.below(sequencers.length)]!;
    // Some hand in what too few have seen, or other bytes of the same name: that must never be cosigned.
    const isBad = world.random() < 0.2;
    const bytes = equivocates ? `${to.name} ${number}` : `${number}`;
    const entry = observation(number, isBad ? `other ${number}` : bytes, isBad ? QUORUM - 1 : QUORUM);
    const late = new AbortController();
    world.after(3000, () => late.abort(new Error('too late')));
    world.after(3500 + world.below(500), () => submit(number));
    void hand(to, entry, late.signal).then((is) => is && done.add(number));
  };
  for (let number = 0; number < PACKAGES; number++)
    world.after(10 + world.below(TROUBLE_MS), () => submit(number));

  const watch = (): boolean => {
    for (const each of sequencers) finalOf(each);
    return false;
  };
  await world.run(watch, TROUBLE_MS);
  world.calmDown();
  await world.run(
    () => watch() || (!equivocates && done.size === PACKAGES),
    equivocates ? FORKED_MS : CALM_MS,
  );
  return { simulation, acknowledged, done, final };
}
