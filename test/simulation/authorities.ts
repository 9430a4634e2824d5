/**
 * Authorities of what ships, in a world of a seed: a sequencer and its cosigners, which die, lose messages and start again; in
 * some worlds the sequencer shows two histories.
 *
 * @module
 */
import { openAuthorityLog } from '../../src/authority/authority-log.ts';
import { type Cosigner, openCosigner } from '../../src/authority/cosigner.ts';
import { openFinality } from '../../src/authority/finality.ts';
import { type Intake, openIntake } from '../../src/authority/intake.ts';
import { createLog } from '../../src/authority/open-log.ts';
import { openSaid, type Said } from '../../src/authority/said.ts';
import { openSignedHead } from '../../src/authority/signed-head.ts';
import { single } from '../../src/authority/single.ts';
import type { Finality } from '../../src/authority/finality.ts';
import type { TileSource } from '../../src/log/read-tiles.ts';
import { PyrsiaError } from '../../src/errors.ts';
import { AUTHORITIES, cosigners, log, network } from './parties.ts';
import { type Disk, type Life, openWorld, simulatedFiles, type World } from './world.ts';

/** How likely what was derived from the log is gone when a process starts again. */
const LOST = 0.3;

/** One machine: what is on its disks, and the process that runs there now. */
export interface Machine {
  readonly name: string;
  readonly log: Disk;
  readonly state: Disk;
  /** What its log has said: on a disk of its own, which may be lost. */
  said: Said | undefined;
  life: Life;
  starts: number;
  cosigner?: Cosigner;
  intake?: Intake;
}

/** A tree that somebody has signed: everything that left a machine. */
export interface Signature {
  readonly by: Machine;
  readonly size: bigint;
  readonly root: string;
}

export interface Simulation {
  readonly world: World;
  /** The sequencers: one, or two with the same key; then the cosigners. */
  readonly sequencers: readonly Machine[];
  readonly cosigners: readonly Machine[];
  readonly signatures: readonly Signature[];
  /** What processes could not go on with, by machine. */
  readonly broken: readonly string[];
  close(): void;
}

export async function openSimulation(seed: number, equivocates: boolean): Promise<Simulation> {
  const world = openWorld(seed);
  const signatures: Signature[] = [];
  const broken: string[] = [];
  const sequencers = (equivocates ? ['sequencer', 'shadow'] : ['sequencer']).map(machine);
  const watchers = Array.from({ length: AUTHORITIES }, (_, i) => machine(`cosigner ${i}`));
  /** Whose history a cosigner is shown: that of whoever asked it last. */
  const shown = new Map<Machine, Machine>();
  const lives = new Map<Life, Machine>();

  /** The sequencer's files, as a cosigner reads them over a network. */
  const originOf = (reader: Machine, life: Life): TileSource => ({
    name: 'the log',
    async read(path) {
      await world.pause(life, 1 + world.below(20));
      if (world.trouble(0.01)) throw new PyrsiaError('UPSTREAM_FAILED', { url: path, reason: 'lost' });
      const bytes = (shown.get(reader) ?? sequencers[0]!).log.get(path);
      return bytes && Uint8Array.from(bytes);
    },
  });

  const start = async (each: Machine): Promise<void> => {
    const life: Life = { isDead: false };
    each.life = life;
    each.starts++;
    lives.set(life, each);
    delete each.cosigner;
    delete each.intake;
    const files = simulatedFiles(world, each.log, life, each.name);
    const state = simulatedFiles(world, each.state, life, `${each.name}'s state`);
    const clock = world.clock(life);
    if (each.said !== undefined && world.random() < LOST) {
      each.said.close();
      each.said = undefined;
    }
    const said = (each.said ??= openSaid(':memory:'));
    let finality: Finality | undefined;
    try {
      if (!each.log.has('position')) await createLog(files);
      const options = { origin: log.verifier.name, network, said, mayChange: () => false };
      const { core, judging } = await openAuthorityLog(files, options, (entries, first) => {
        intake.committed(entries, first);
        finality?.grown();
      });
      const sequencer = single({
        clock,
        batchMs: 50,
        close: (entries, after) => judging.close(entries, after, Math.floor(clock.now() / 1000)),
        onDropped: (entry, reason) => intake.dropped(entry, reason),
      });
      const intake = openIntake({ judging, sequencer, finality: () => finality! });
      const at = watchers.indexOf(each);
      if (at !== -1) {
        each.cosigner = openCosigner({
          core,
          read: judging.read,
          logs: [log.verifier],
          origin: originOf(each, life),
          signer: cosigners[at]!,
          cosigned: await openSignedHead(state, 'cosigned', core),
          files: state,
          clock,
        });
        return;
      }
      finality = await openFinality({
        core,
        signer: log,
        policy: network.policy,
        cosigners: watchers.map((to, i) => ({
          verifier: cosigners[i]!.verifier,
          ask: async (request, signal) => asked(each, life, to, request, signal),
        })),
        signed: await openSignedHead(state, 'signed', core),
        files,
        clock,
      });
      await sequencer.start(core);
      finality.grown();
      each.intake = intake;
    } catch (error) {
      // A disk that is full today may have room tomorrow; anything else is a state that no crash may leave.
      if (!String(error).includes('no space left')) broken.push(`${each.name}: ${String(error)}`);
      kill(each);
    }
  };

  /** A request over a network that loses, doubles and delays. */
  const asked = async (
    from: Machine,
    life: Life,
    to: Machine,
    request: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ status: number; body: string }> => {
    note(from, request);
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    signal.addEventListener('abort', () => reject(new Error('there was no answer')), { once: true });
    const deliver = (): void => {
      const { cosigner, life: theirs } = to;
      if (cosigner === undefined || theirs.isDead) return reject(new Error('nobody listens'));
      shown.set(to, from);
      void answered(cosigner, theirs).then((reply) => {
        if (reply !== undefined && !world.trouble(0.05))
          world.after(1 + world.below(30), () => resolve(reply));
        return undefined;
      });
    };
    const answered = async (
      cosigner: Cosigner,
      theirs: Life,
    ): Promise<{ status: number; body: string } | undefined> => {
      try {
        const { status, body } = await cosigner.addCheckpoint(request);
        if (theirs.isDead) return undefined;
        // From here on the signature is out in the world, whoever gets it.
        if (status === 200) note(to, request);
        return { status, body };
      } catch {
        return { status: 500, body: 'failed' };
      }
    };
    if (!world.trouble(0.05)) world.after(1 + world.below(60), deliver);
    if (world.trouble(0.05)) world.after(1 + world.below(5000), deliver);
    const reply = await promise;
    return life.isDead ? new Promise(() => {}) : reply;
  };

  const note = (by: Machine, request: Uint8Array): void => {
    const [, text = ''] = /\n\n(.*)$/s.exec(Buffer.from(request).toString()) ?? [];
    const [, size = '', root = ''] = text.split('\n');
    signatures.push({ by, size: BigInt(size), root });
  };

  const kill = (each: Machine): void => {
    each.life.isDead = true;
    delete each.cosigner;
    delete each.intake;
    world.after(20 + world.below(2000), () => void start(each));
  };
  world.onDeath = (life) => kill(lives.get(life)!);

  for (const each of [...watchers, ...sequencers]) void start(each);
  return {
    world,
    sequencers,
    cosigners: watchers,
    signatures,
    broken,
    close() {
      for (const each of [...watchers, ...sequencers]) {
        each.life.isDead = true;
        each.said?.close();
      }
    },
  };
}

/** One that was never switched on. */
function machine(name: string): Machine {
  return { name, log: new Map(), state: new Map(), said: undefined, life: { isDead: true }, starts: 0 };
}
