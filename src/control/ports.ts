/**
 * Ports that an agent had are had again by the next one: npm keys its own cache by our URL.
 *
 * `ports` in the state directory: a line that names the format, then `<port> <upstream>` a line, so that a
 * shell can read it.
 *
 * @module
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOurs } from '../ours.ts';
import type { Log } from './log.ts';

const FORMAT = 'pyrsia-ports-1';

/** The ports by upstream, as the state directory remembers them. */
export interface KeptPorts {
  /** The port that `upstream` had last; undefined when it never had one. */
  get(upstream: string): number | undefined;
  /** Keeps `port` for `upstream`. When it cannot be written, the log says so and the next agent takes another port. */
  keep(upstream: string, port: number): void;
  /** All of them. */
  list(): (readonly [upstream: string, port: number])[];
  /** Keeps no port for `upstream` any more. Throws what the file system says. */
  forget(upstream: string): void;
}

/** Reads the ports of `state`. A file of another format or a line of another shape counts as absent. */
export function keptPorts(state: string, log: Log): KeptPorts {
  const file = join(state, 'ports');

  return {
    get: (upstream) => read(file).get(upstream),
    keep(upstream, port) {
      const ports = read(file);
      if (ports.get(upstream) === port) return;
      // A port has one upstream: whoever had it before us lost it.
      const others = [...ports].filter(([name, taken]) => name !== upstream && taken !== port);
      try {
        makeOurs(state);
        write(file, [...others, [upstream, port]]);
      } catch (error) {
        log(`Cannot keep port ${port} of ${upstream}: ${String(error)}`);
      }
    },
    list: () => [...read(file)],
    forget: (upstream) =>
      write(
        file,
        [...read(file)].filter(([name]) => name !== upstream),
      ),
  };
}

function write(file: string, ports: readonly (readonly [upstream: string, port: number])[]): void {
  const lines = ports.map(([upstream, port]) => `${port} ${upstream}\n`);
  writeFileSync(`${file}.${process.pid}`, `${FORMAT}\n${lines.join('')}`, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

function read(file: string): Map<string, number> {
  const [format, ...lines] = textOf(file).split('\n');
  if (format !== FORMAT) return new Map();
  return new Map(
    lines.flatMap((text) => {
      const [, port, upstream] = /^(\d{4,5}) (\S+)$/.exec(text) ?? [];
      return upstream && Number(port) < 65_536 ? [[upstream, Number(port)] as const] : [];
    }),
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
