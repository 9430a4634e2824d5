/**
 * Orders observations in a directory until it is killed, and says on stdout what is acknowledged: index and leaf, one a line.
 * What stops it is said on stderr.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { openAuthorityLog } from '../../src/authority/authority-log.ts';
import { systemClock as clock } from '../../src/authority/clock.ts';
import { openCosigner } from '../../src/authority/cosigner.ts';
import { type Finality, openFinality } from '../../src/authority/finality.ts';
import { openIntake } from '../../src/authority/intake.ts';
import { diskFiles } from '../../src/authority/log-files.ts';
import { openSaid } from '../../src/authority/said.ts';
import { openSignedHead } from '../../src/authority/signed-head.ts';
import { single } from '../../src/authority/single.ts';
import { leafHash } from '../../src/content/merkle.ts';
import { cosigners, log, network, observation, QUORUM } from '../simulation/parties.ts';

const directory = process.argv[2]!;
const files = diskFiles(`${directory}/public`);
const state = diskFiles(`${directory}/state`);
const said = openSaid(`${directory}/said.sqlite`);
let finality: Finality | undefined;
const { core, judging } = await openAuthorityLog(
  files,
  { origin: log.verifier.name, network, said, mayChange: () => false },
  (entries, first) => {
    intake.committed(entries, first);
    finality?.grown();
  },
);
const sequencer = single({
  clock,
  batchMs: 1,
  close: (entries, after) => judging.close(entries, after, Math.floor(clock.now() / 1000)),
  onDropped: (entry, reason) => intake.dropped(entry, reason),
});
const intake = openIntake({ judging, sequencer, finality: () => finality! });
const asked = await Promise.all(
  cosigners.map(async (signer, i) => {
    const cosigned = await openSignedHead(state, `cosigned-${i}`, core);
    const parts = {
      core,
      read: judging.read,
      logs: [log.verifier],
      origin: files,
      signer,
      cosigned,
      files: state,
      clock,
    };
    const { addCheckpoint } = openCosigner(parts);
    return { verifier: signer.verifier, ask: addCheckpoint };
  }),
);
finality = await openFinality({
  core,
  signer: log,
  policy: network.policy,
  cosigners: asked,
  signed: await openSignedHead(state, 'signed', core),
  files,
  clock,
});
await sequencer.start(core);
finality.grown();

/** Says why there is no progress, and ends. */
const stuck = async (): Promise<void> => {
  while (true) {
    await delay(20);
    const reason = sequencer.status().halted ?? finality?.wanting().get(log.verifier.name);
    if (reason === undefined) continue;
    process.stderr.write(`${reason}\n`);
    process.exit(1);
  }
};
void stuck();

let number = 0;
const submit = async (): Promise<void> => {
  while (true) {
    const entry = observation(number++, 'bytes', QUORUM);
    if (judging.entry(entry) !== undefined) continue;
    const index = await intake.add(entry, new AbortController().signal);
    process.stdout.write(`${index} ${Buffer.from(leafHash(entry)).toString('hex')}\n`);
  }
};
await Promise.all(Array.from({ length: 5 }, submit));
