/**
 * How each way is prepared. What cannot be had rejects; what is started is in `open`.
 *
 * @module
 */
import { join } from 'node:path';
import { type Build, cold, plain, warm, withServer } from './build.ts';
import { openNginx } from './nginx.ts';
import type { Way } from './results.ts';

/** What a way is made of. */
export interface WayParts {
  /** Its own. */
  readonly directory: string;
  /** What stands for the central repository; undefined: nothing does. Ends in `/`. */
  readonly repository: string | undefined;
  /** The central repository as mvn ships it. Ends in `/`. */
  readonly central: string;
  readonly open: AsyncDisposableStack;
}

type Prepare = (parts: WayParts) => Build | Promise<Build>;

const direct: Prepare = ({ directory, repository }) => plain(directory, repository);
const coldly: Prepare = ({ directory, repository }) => cold(directory, repository);

export const prepare: Readonly<Record<Way, Prepare>> = {
  direct,
  floor: ({ directory, repository }) => plain(directory, repository, true),
  warm: async ({ directory, repository, open }) => warm(directory, repository, open),
  offline: async ({ directory, repository, open }) => warm(directory, repository, open, true),
  cold: coldly,

  async nginx({ directory, repository, central, open }) {
    const nginx = open.use(await openNginx(repository ?? central, join(directory, 'nginx')));
    const build = plain(directory, nginx.url);
    const spentSoFar = async (): ReturnType<Parameters<typeof withServer>[1]> => nginx.spent();
    return { ...build, measure: async () => withServer(build.measure, spentSoFar) };
  },

  'direct-bare': direct,
  'cold-bare': coldly,
};
