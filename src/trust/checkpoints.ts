/**
 * The newest checkpoint that this user's programs have believed, on disk, shared by many short processes.
 *
 * Each checkpoint is a file called after its size. The latest is the largest; a smaller one goes once it is known to be
 * contained in that. So it never becomes smaller, whoever writes at the same time and wherever a process is killed: there is
 * nothing that is overwritten.
 *
 * @module
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { PyrsiaError } from '../errors.ts';
import { type Policy, type ProvenCheckpoint, provenCheckpoint } from '../log/policy.ts';

/** A checkpoint that was believed. */
export interface Kept {
  readonly checkpoint: ProvenCheckpoint;
  /** As it was signed. */
  readonly text: string;
}

/** Those that are kept. */
export interface Checkpoints {
  /** The largest first; of several the smaller ones are not known yet to be contained in it. */
  read(this: void): Kept[];
  /** Keeps one more; on the disk when this returns. Then those of `contained` go, which it is known to contain. */
  add(this: void, kept: Kept, contained: readonly Kept[]): void;
}

/** The checkpoints in `directory`, which is made when it is needed. What does not satisfy `policy` is passed over. */
export function openCheckpoints(directory: string, policy: Policy): Checkpoints {
  const read = (): Kept[] =>
    namesIn(directory)
      .flatMap((name) => {
        try {
          const text = readFileSync(join(directory, name), 'utf8');
          return { text, checkpoint: provenCheckpoint(text, policy, name) };
        } catch {
          return []; // Removed meanwhile, damaged, or believed under another policy.
        }
      })
      .toSorted((a, b) => Number(b.checkpoint.size - a.checkpoint.size));

  return {
    read,
    add(kept, contained) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const name = nameOf(kept.checkpoint);
      try {
        write(directory, name, kept.text);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new PyrsiaError('FILE_UNWRITABLE', { path: join(directory, name), reason }, { cause: error });
      }
      for (const { checkpoint } of contained)
        if (nameOf(checkpoint) !== name) rmSync(join(directory, nameOf(checkpoint)), { force: true });
    },
  };
}

const NAME = /^\d{20}-[0-9a-f]{64}$/;

function nameOf({ size, root }: Pick<ProvenCheckpoint, 'size' | 'root'>): string {
  return `${String(size).padStart(20, '0')}-${Buffer.from(root).toString('hex')}`;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
}

/** The name is there with all of the text, or not at all, also after a power cut. */
function write(directory: string, name: string, text: string): void {
  const temporary = join(directory, `${name}.${process.pid}.new`);
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, join(directory, name));
  const folder = openSync(directory, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
