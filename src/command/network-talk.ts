/**
 * How a network is told.
 *
 * @module
 */
import { formatVerifierKey } from '../log/keys.ts';
import type { Standing } from '../verify/logged.ts';
import { type OwnNetwork, placesOf } from '../trust/network-of.ts';

/** A network as `--json` shows it. */
export interface ToldNetwork {
  /** The network's key. */
  readonly network: string;
  readonly log: string;
  readonly places: readonly string[];
  /** Who cosigns. */
  readonly witnesses: readonly string[];
  /** Whose observations count. */
  readonly observers: readonly string[];
  /** Peers speak with members only. */
  readonly private: boolean;
  /** What is known of the log here. */
  readonly view?: Standing;
}

/** A network in words and as a value. */
export function toldNetwork(
  network: OwnNetwork,
  view?: Standing,
): { readonly rows: (readonly [string, string | undefined])[]; readonly value: ToldNetwork } {
  const value = {
    network: formatVerifierKey(network.key),
    log: formatVerifierKey(network.policy.logs[0]!.verifier),
    places: placesOf(network),
    witnesses: [...network.policy.witnesses.keys()],
    observers: [...new Set(network.observers.map(({ organisation }) => organisation))],
    private: network.private === true,
    ...(view && { view }),
  };
  const { quorum } = network.policy;
  const least = quorum && 'least' in quorum ? `${quorum.least} of ${value.witnesses.length}: ` : '';
  return {
    value,
    rows: [
      ['network', value.network],
      ['log', network.origin],
      ['read at', value.places.join(', ')],
      ['must cosign', `${least}${value.witnesses.join(', ') || 'nobody'}`],
      ['private', value.private ? 'yes, peers speak with members only' : undefined],
      ['observers', value.observers.join(', ') || 'none'],
      ...(view ? viewRows(view) : []),
    ],
  };
}

function viewRows({ size, vouchedAt, old, fork }: Standing): (readonly [string, string | undefined])[] {
  return [
    ['entries', size === undefined ? 'never read' : String(size)],
    ['vouched for', vouchedAt === undefined ? undefined : new Date(vouchedAt).toISOString()],
    ['warning', old ? 'the view is old: what is new may be hidden' : undefined],
    ['FORK', fork === undefined ? undefined : `two histories were shown, nothing more is taken: ${fork}`],
  ];
}
