/**
 * What two peers of a private network say to each other before anything else: `/pyrsia/member/1`.
 *
 * A frame is its length without these four bytes (u32, big endian), its kind (u8), and what it says:
 *
 * | kind | from     | says                                                                                          |
 * | ---- | -------- | --------------------------------------------------------------------------------------------- |
 * | 1    | opener   | a hash of the network's key and both peers' names: whoever does not know the key learns nothing |
 * | 1    | answerer | the same hash the other way round                                                             |
 * | 2    | opener   | JSON: `card`, and `revoked`, a digest of the revocations it has heard of                      |
 * | 2    | answerer | the same; or 5, and why the opener is refused                                                 |
 * | 3    | opener   | JSON: `revocations` where the digests differ, `card` for the other where it is to be made anew  |
 * | 3    | answerer | the same                                                                                      |
 * | 4    | opener   | instead of all that, JSON: `id` and `proof` of an invitation                                  |
 * | 4    | answerer | JSON: `card`, `revocations`, and `file`, the network's file in base64                         |
 *
 * Each speaks only when it has understood what came, so that nobody can send what is not waited for. A stranger is told nothing: the
 * connection ends.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { Channel } from '../wire/channel.ts';
import type { PeerName } from '../contract.ts';
import { invitationId, joinProof, type JoinToken } from './join-token.ts';
import { type Admitted, CARD_LIMIT, type Refusal } from './membership.ts';
import type { Members } from './members.ts';

/** The protocol. */
export const MEMBER = '/pyrsia/member/1';

/** The most bytes of the first frames, of a card with its digest. */
const SMALL = 2 * CARD_LIMIT;
/** The most bytes of what is handed on: 4096 revocations, a network's file. */
const LARGE = 2 * 2 ** 20;

/** Somebody who is no member of our network, or takes us for none. */
export class Stranger extends Error {
  override readonly name = 'Stranger';
  readonly refusal: Refusal | 'none' | 'unknown';

  constructor(refusal: Stranger['refusal']) {
    super(`no member of the same network: ${refusal}`);
    this.refusal = refusal;
  }
}

/** Who takes part in a talk. */
export interface Talkers {
  readonly members: Members;
  /** The other one, as the connection proves. */
  readonly peer: PeerName;
  /** Called as soon as the other one is admitted, before it can know. */
  readonly onAdmitted: (admitted: Admitted) => void;
}

/** Opens the talk. Rejects with {@link Stranger}, and with what the channel rejects with. */
export async function openTalk(channel: Channel, { members, peer, onAdmitted }: Talkers): Promise<void> {
  const { self, network } = members;
  const own = members.card();
  if (own === undefined) throw new Stranger('none');
  channel.expect(FRAME + SMALL);
  await channel.send(frame(GREETING, greeting(network, self, peer)));
  const answer = await read(channel, SMALL);
  if (answer?.kind !== GREETING || !isSame(answer.body, greeting(network, peer, self)))
    throw new Stranger('unknown');
  channel.expect(FRAME + SMALL);
  await channel.send(said(CARD, { card: own, revoked: members.revoked().digest }));
  const shown = await read(channel, SMALL);
  if (shown?.kind === REFUSED) throw new Stranger(refusalIn(shown.body));
  const { admitted, revoked } = admit(shown, members, peer);
  onAdmitted(admitted);
  channel.expect(FRAME + LARGE);
  await channel.send(gift(members, admitted, revoked));
  take(await read(channel, LARGE), members);
}

/** Answers it. `file` is the network's, for those who join. Rejects as {@link openTalk}. */
export async function answerTalk(
  channel: Channel,
  { members, peer, onAdmitted }: Talkers,
  file: Uint8Array,
): Promise<void> {
  const { self, network } = members;
  channel.expect(FRAME + SMALL);
  const first = await read(channel, SMALL);
  if (first?.kind === JOIN) return letIn(channel, first.body, { members, peer, file });
  if (first?.kind !== GREETING || !isSame(first.body, greeting(network, peer, self)))
    throw new Stranger('unknown');
  channel.expect(FRAME + SMALL);
  await channel.send(frame(GREETING, greeting(network, self, peer)));
  const shown = await read(channel, SMALL);
  const own = members.card();
  if (own === undefined) throw new Stranger('none');
  try {
    const { admitted, revoked } = admit(shown, members, peer);
    onAdmitted(admitted);
    channel.expect(FRAME + LARGE);
    await channel.send(said(CARD, { card: own, revoked: members.revoked().digest }));
    take(await read(channel, LARGE), members);
    await channel.send(gift(members, admitted, revoked));
  } catch (error) {
    if (error instanceof Stranger) {
      await channel.send(frame(REFUSED, Buffer.from(error.refusal)));
      await channel.read(1).catch(() => undefined); // It goes when it has read that.
    }
    throw error;
  }
}

/** What who was let in has been given. Nothing of it is verified. */
export interface LetIn {
  readonly card: string;
  readonly revocations: string;
  readonly file: Uint8Array;
}

/** Asks to be let in by a token. Rejects with {@link Stranger} where that is refused. */
export async function askToJoin(channel: Channel, token: JoinToken, self: PeerName): Promise<LetIn> {
  const { secret, peer } = token;
  const proof = joinProof(token, { inviter: peer, joiner: self });
  channel.expect(FRAME + LARGE);
  await channel.send(said(JOIN, { id: invitationId(secret), proof: Buffer.from(proof).toString('base64') }));
  const answer = await read(channel, LARGE);
  if (answer?.kind !== JOIN) throw new Stranger('unknown');
  const { card, revocations, file } = texts(answer.body, ['card', 'revocations', 'file']);
  return { card, revocations, file: Buffer.from(file, 'base64') };
}

async function letIn(
  channel: Channel,
  body: Uint8Array,
  { members, peer, file }: { readonly members: Members; readonly peer: PeerName; readonly file: Uint8Array },
): Promise<void> {
  const { id, proof } = texts(body, ['id', 'proof']);
  const card = members.letIn(id, Buffer.from(proof, 'base64'), peer);
  if (card === undefined) throw new Stranger('unknown');
  const revocations = members.revoked().text;
  await channel.send(said(JOIN, { card, revocations, file: Buffer.from(file).toString('base64') }));
}

/** @throws Stranger */
function admit(
  shown: Frame | undefined,
  members: Members,
  peer: PeerName,
): { readonly admitted: Admitted; readonly revoked: string } {
  if (shown?.kind !== CARD) throw new Stranger('malformed');
  const { card, revoked } = texts(shown.body, ['card', 'revoked']);
  const admitted = members.admit(card, peer);
  if (typeof admitted === 'string') throw new Stranger(admitted);
  return { admitted, revoked };
}

function gift(members: Members, to: Admitted, digest: string): Uint8Array {
  const { text, digest: own } = members.revoked();
  return said(GIFT, { revocations: digest === own ? '' : text, card: members.renewal(to) ?? '' });
}

/** @throws Stranger where it is not what a member would send */
function take(given: Frame | undefined, members: Members): void {
  if (given?.kind !== GIFT) throw new Stranger('malformed');
  const { revocations, card } = texts(given.body, ['revocations', 'card']);
  if (members.hear(revocations) === undefined) throw new Stranger('forged');
  if (card !== '') members.renewed(card);
}

interface Frame {
  readonly kind: number;
  readonly body: Uint8Array;
}

const [GREETING, CARD, GIFT, JOIN, REFUSED] = [1, 2, 3, 4, 5] as const;
/** Length and kind. */
const FRAME = 5;

function frame(kind: number, body: Uint8Array): Uint8Array {
  const head = Buffer.alloc(FRAME);
  head.writeUInt32BE(1 + body.byteLength);
  head.writeUInt8(kind, 4);
  return Buffer.concat([head, body]);
}

function said(kind: number, what: Readonly<Record<string, string>>): Uint8Array {
  return frame(kind, Buffer.from(JSON.stringify(what)));
}

/** The next frame; undefined where the other side has ended. @throws Stranger for one that is longer than `limit` */
async function read(channel: Channel, limit: number): Promise<Frame | undefined> {
  const head = await channel.read(FRAME);
  if (head === undefined) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const length = view.getUint32(0) - 1;
  if (length < 0 || length > limit) throw new Stranger('malformed');
  const body = length === 0 ? new Uint8Array() : await channel.read(length);
  return body && { kind: view.getUint8(4), body };
}

/** The texts of a JSON object. @throws Stranger */
function texts<K extends string>(body: Uint8Array, names: readonly K[]): Record<K, string> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString());
  } catch {
    throw new Stranger('malformed');
  }
  const found = names.map((name) => {
    const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    if (typeof text !== 'string') throw new Stranger('malformed');
    return [name, text] as const;
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of all of `names`
  return Object.fromEntries(found) as Record<K, string>;
}

function greeting(network: Uint8Array, from: PeerName, to: PeerName): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${MEMBER}\n${from}\n${to}\n`), network]), 'buffer');
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const REFUSALS: readonly Refusal[] = [
  'malformed',
  'other-network',
  'other-peer',
  'forged',
  'early',
  'expired',
  'revoked',
];

function refusalIn(body: Uint8Array): Stranger['refusal'] {
  const text = Buffer.from(body.subarray(0, 100)).toString();
  return REFUSALS.find((each) => each === text) ?? 'unknown';
}
