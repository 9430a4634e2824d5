/** Keeps checkpoint after checkpoint until it is killed, telling of each. */
import { openCheckpoints } from '../../src/trust/checkpoints.ts';
import { provenCheckpoint } from '../../src/log/policy.ts';
import { readNetwork } from '../../src/trust/network-of.ts';

process.on('message', ({ texts, network }: { texts: string[]; network: string }) => {
  const { policy } = readNetwork(Buffer.from(network), 'the network');
  const checkpoints = openCheckpoints(process.argv[2]!, policy);
  for (;;)
    for (const text of texts) {
      const kept = checkpoints.read();
      const checkpoint = provenCheckpoint(text, policy);
      if (kept[0] && kept[0].checkpoint.size > checkpoint.size) continue;
      checkpoints.add({ text, checkpoint }, kept);
      process.send!('kept');
    }
});
