/**
 * A network is a policy file ({@link https://c2sp.org/tlog-policy | c2sp.org/tlog-policy}) with what that has no lines for in
 * comments, which other people's tools skip:
 *
 * ```
 * # pyrsia network <network id>
 * # pyrsia bootstrap <address>
 * # pyrsia observer <witness> <verifier key>
 * # pyrsia private
 * ```
 *
 * An observer line names the key with which the organisation of a witness signs what it has seen. In a private network peers speak with members only. Other comments, and lines
 * with other words behind `pyrsia`, are skipped.
 *
 * @module
 */
import { parseVerifierKey, type Verifier } from './keys.ts';
import { agrees, parsePolicy, type Policy } from './policy.ts';
import { invalid } from './text.ts';

/** Whom to believe, and where they are. */
export interface Network {
  readonly policy: Policy;
  readonly id?: string;
  readonly bootstrap: readonly string[];
  readonly observers: readonly NetworkObserver[];
  /** Peers speak with members only. */
  readonly private?: true;
}

/** Who vouches for what an organisation has seen. */
export interface NetworkObserver {
  /** What the policy calls its witness. */
  readonly organisation: string;
  readonly verifier: Verifier;
}

/**
 * Reads a network's policy file.
 *
 * @throws PyrsiaError `DOCUMENT_INVALID` with the line, or `DOCUMENT_TOO_LARGE`.
 */
export function parseNetwork(bytes: Uint8Array, what = 'the policy'): Network {
  const policy = parsePolicy(bytes, what);
  const bootstrap: string[] = [];
  const observers: NetworkObserver[] = [];
  let id: string | undefined;
  let isPrivate = false;
  for (const [i, line] of Buffer.from(bytes).toString('utf8').split('\n').entries()) {
    const [hash, ours, keyword, ...words] = line.split(/[ \t]+/).filter(Boolean);
    if (hash !== '#' || ours !== 'pyrsia') continue;
    const wrong = (reason: string): Error => invalid(what, `line ${i + 1}: ${reason}`);
    const counted = (count: number, usage: string): void => {
      if (words.length !== count) throw wrong(`expected # pyrsia ${usage}`);
    };
    switch (keyword) {
      case 'network':
        counted(1, 'network <id>');
        if (id !== undefined) throw wrong('there is a second network');
        id = words[0]!;
        break;
      case 'bootstrap':
        counted(1, 'bootstrap <address>');
        bootstrap.push(words[0]!);
        break;
      case 'private':
        counted(0, 'private');
        isPrivate = true;
        break;
      case 'observer': {
        counted(2, 'observer <witness> <verifier key>');
        const observer = observerIn(words[0]!, words[1]!, policy, wrong);
        if (observers.some(({ verifier }) => isSameKey(verifier, observer.verifier)))
          throw wrong(`the key of ${observer.verifier.name} is there twice`);
        observers.push(observer);
        break;
      }
      case undefined:
      default: // A later word of ours.
    }
  }
  return {
    policy,
    bootstrap,
    observers,
    ...(id !== undefined && { id }),
    ...(isPrivate && { private: true }),
  };
}

/**
 * Whether those who signed an observation are enough: their witnesses would make a checkpoint final. Where a policy needs
 * no witness, one observer is. An organisation counts once, however many keys it has.
 */
export function agreed({ policy, observers }: Network, signed: readonly Verifier[]): boolean {
  const organisations = observers.filter(({ verifier }) => signed.includes(verifier));
  if (policy.quorum === undefined) return organisations.length > 0;
  const witnesses = organisations.map(({ organisation }) => policy.witnesses.get(organisation)!.verifier);
  return agrees(policy.quorum, new Set(witnesses));
}

function observerIn(
  organisation: string,
  key: string,
  policy: Policy,
  wrong: (reason: string) => Error,
): NetworkObserver {
  if (!policy.witnesses.has(organisation) && policy.quorum !== undefined)
    throw wrong(`${organisation.slice(0, 100)} is no witness`);
  const verifier = verifierIn(key, wrong);
  if (verifier.type !== 'ed25519')
    throw wrong(`expected a key for ed25519 signatures, got one for ${verifier.type}`);
  return { organisation, verifier };
}

function verifierIn(key: string, wrong: (reason: string) => Error): Verifier {
  try {
    return parseVerifierKey(key);
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

function isSameKey(a: Verifier, b: Verifier): boolean {
  return Buffer.compare(a.publicKey, b.publicKey) === 0;
}
