import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  formatJoinToken,
  invitationId,
  joinProof,
  parseJoinToken,
} from '../../src/p2p/members/join-token.ts';
import {
  ADMITS_S,
  AHEAD_S,
  MEMBER_S,
  readCard,
  readRevocations,
  signMembership,
  signRevocation,
} from '../../src/p2p/members/membership.ts';
import { networkOfMembers, type NetworkOfMembers, newKey, type Peer } from './network-of-members.ts';

const day = 86_400;
let network: NetworkOfMembers;
beforeEach(() => void (network = networkOfMembers()));
afterEach(() => network[Symbol.dispose]());

/** What one makes of the card that another shows. */
const seen = (by: Peer, of: Peer, card = of.members.card() ?? '') => by.members.admit(card, of.identity.name);
/** Lets one in by a token of another. */
const letIn = (inviter: Peer, joiner: Peer, secret: Uint8Array) =>
  inviter.members.letIn(
    invitationId(secret),
    joinProof(
      { secret, network: network.raw },
      { inviter: inviter.identity.name, joiner: joiner.identity.name },
    ),
    joiner.identity.name,
  );

describe('A card', () => {
  it('is taken from whom the network’s key has signed, both ways', () => {
    const [a, b] = [network.peer(), network.peer()];
    expect(seen(a, b)).toMatchObject({ peer: b.identity.name, ends: network.now + MEMBER_S });
    expect(seen(b, a)).toMatchObject({ peer: a.identity.name });
  });

  it('is refused where it is of another network, of nobody, or none', () => {
    const a = network.peer();
    using other = networkOfMembers();
    const stranger = other.peer();
    expect(seen(a, stranger)).toBe('other-network');
    expect(network.peer({ member: false }).members.standing()).toBe('none');
    for (const card of ['', 'x', 'pyrsia membership 1\n', 'x'.repeat(1e6)])
      expect(seen(a, stranger, card)).toBe('malformed');
  });

  it('is of no use to whoever copies it', () => {
    const [a, b, thief] = [network.peer(), network.peer(), network.peer({ member: false })];
    expect(a.members.admit(b.members.card()!, thief.identity.name)).toBe('other-peer');
  });

  it('is refused when a byte of it is another', () => {
    const [a, b] = [network.peer(), network.peer({ admits: true })];
    const card = b.members.card()!;
    const forged = [
      card.replace(/until (\d+)/, (_, until) => `until ${Number(until) - 1}`),
      card.replace(/from (\d+)/, (_, from) => `from ${Number(from) + 1}`),
      signMembership(
        network.raw,
        { peer: b.identity.name, from: network.now, until: network.now + day, admits: false },
        b.key,
      ),
      card.replace('admits yes', 'admits no').replace(/until \d+/, `until ${network.now + day}`),
    ];
    for (const each of forged) expect(seen(a, b, each)).toBe('forged');
  });

  it('holds 90 days, and not a second longer', () => {
    const [a, b] = [network.peer(), network.peer()];
    const card = b.members.card()!;
    network.now += MEMBER_S - 1;
    expect(a.members.admit(card, b.identity.name)).toMatchObject({ peer: b.identity.name });
    network.now += 1;
    expect(a.members.admit(card, b.identity.name)).toBe('expired');
    expect(b.members.standing()).toBe('expired');
    expect(b.members.card()).toBeUndefined();
  });

  it('that says it holds longer is none', () => {
    const [a, b] = [network.peer(), network.peer()];
    const until = network.now + MEMBER_S + 1;
    expect(seen(a, b, network.card(b.identity.name, { until }))).toBe('malformed');
    const forever = network.card(b.identity.name, { admits: true, until: network.now + ADMITS_S + 1 });
    expect(seen(a, b, forever)).toBe('malformed');
  });
});

describe('Who may admit others', () => {
  it('admits whom a token was given to, and everybody takes that', () => {
    const [inviter, joiner, other] = [
      network.peer({ admits: true }),
      network.peer({ member: false }),
      network.peer(),
    ];
    const { secret, until } = inviter.members.invite()!;
    expect(until).toBe(network.now + day);
    const card = letIn(inviter, joiner, secret)!;
    expect(other.members.admit(card, joiner.identity.name)).toMatchObject({
      by: inviter.identity.name,
      admits: false,
    });
  });

  it('is only whom the network’s key has named, and not whom those have admitted', () => {
    const [inviter, joiner, third] = [
      network.peer({ admits: true }),
      network.peer({ member: false }),
      network.peer(),
    ];
    expect(third.members.invite()).toBeUndefined();
    const card = letIn(inviter, joiner, inviter.members.invite()!.secret)!;
    joiner.members.renewed(card);
    expect(joiner.members.standing()).toMatchObject({ by: inviter.identity.name });
    expect(joiner.members.invite()).toBeUndefined();
    // By a member that may admit nobody; by one who was admitted; by one who admits itself.
    const by = (admitter: Peer, its: string): string =>
      signMembership(
        network.raw,
        { peer: third.identity.name, from: network.now, until: network.now + day, admits: false },
        admitter.key,
      ) + its;
    expect(seen(inviter, third, by(joiner, card))).toBe('malformed');
    expect(seen(inviter, third, by(third, network.card(third.identity.name)))).toBe('malformed');
    const own = newKey();
    expect(
      seen(
        inviter,
        third,
        by({ ...joiner, key: own.key }, network.card(own.identity.name, { admits: true })),
      ),
    ).toMatchObject({ by: own.identity.name });
    const selfMade = signMembership(
      network.raw,
      { peer: own.identity.name, from: network.now, until: network.now + day, admits: true },
      own.key,
    );
    expect(seen(inviter, third, by({ ...joiner, key: own.key }, selfMade))).toBe('forged');
  });

  it('takes those along whom it has admitted, when it is revoked or its time is over', () => {
    const [inviter, joiner, other] = [
      network.peer({ admits: true }),
      network.peer({ member: false }),
      network.peer(),
    ];
    const card = letIn(inviter, joiner, inviter.members.invite()!.secret)!;
    const admitted = other.members.admit(card, joiner.identity.name);
    expect(other.members.hear(network.revocation(inviter.identity.name))).toBe(1);
    expect(other.members.admit(card, joiner.identity.name)).toBe('revoked');
    if (typeof admitted === 'string') throw new Error(admitted);
    expect(other.members.holds(admitted)).toBe(false);
  });

  it('makes a card anew when a third of it has gone by, and never one that lasts longer than its own', () => {
    const [inviter, member] = [network.peer({ admits: true }), network.peer()];
    const admitted = () => {
      const found = seen(inviter, member);
      return typeof found === 'string' ? expect.fail(found) : found;
    };
    expect(inviter.members.renewal(admitted())).toBeUndefined();
    network.now += 30 * day;
    const fresh = inviter.members.renewal(admitted())!;
    member.members.renewed(fresh);
    expect(member.members.standing()).toMatchObject({ ends: network.now + MEMBER_S });
    member.members.renewed(network.card(member.identity.name, { until: network.now + day }));
    expect(member.members.standing()).toMatchObject({ ends: network.now + MEMBER_S });
    for (let i = 0; i < 5; i++) {
      network.now += 60 * day;
      const again = inviter.members.renewal(admitted());
      if (again !== undefined) member.members.renewed(again);
    }
    const own = inviter.members.standing();
    expect(member.members.standing()).toMatchObject({ ends: typeof own === 'object' ? own.ends : 0 });
  });
});

describe('A token', () => {
  it('lets in one, once', () => {
    const [inviter, first, second] = [
      network.peer({ admits: true }),
      network.peer({ member: false }),
      network.peer({ member: false }),
    ];
    const { secret } = inviter.members.invite()!;
    expect(letIn(inviter, first, secret)).toBeDefined();
    expect(letIn(inviter, second, secret)).toBeUndefined();
    expect(letIn({ ...inviter, members: inviter.reopened() }, second, secret)).toBeUndefined();
    // Whose answer was lost may ask again.
    expect(letIn(inviter, first, secret)).toBeDefined();
  });

  it('is of use for a day', () => {
    const [inviter, joiner] = [network.peer({ admits: true }), network.peer({ member: false })];
    const { secret } = inviter.members.invite()!;
    network.now += day;
    expect(letIn(inviter, joiner, secret)).toBeUndefined();
  });

  it('is of no use to whom does not know its secret, or shows what another has shown', () => {
    const [inviter, joiner, thief] = [
      network.peer({ admits: true }),
      network.peer({ member: false }),
      network.peer({ member: false }),
    ];
    const { secret } = inviter.members.invite()!;
    const names = { inviter: inviter.identity.name, joiner: joiner.identity.name };
    const proof = joinProof({ secret, network: network.raw }, names);
    expect(inviter.members.letIn(invitationId(secret), proof, thief.identity.name)).toBeUndefined();
    expect(
      inviter.members.letIn(invitationId(secret), new Uint8Array(32), joiner.identity.name),
    ).toBeUndefined();
    expect(inviter.members.letIn(invitationId(secret), proof, joiner.identity.name)).toBeDefined();
  });

  it('is no way to any other file of the inviter’s', () => {
    const [inviter, joiner] = [network.peer({ admits: true }), network.peer({ member: false })];
    inviter.members.invite();
    const names = { inviter: inviter.identity.name, joiner: joiner.identity.name };
    // What would be read of it as a secret.
    const secret = Buffer.from(inviter.members.card()!.trim().split(' ')[1]!, 'base64');
    const proof = joinProof({ secret, network: network.raw }, names);
    expect(inviter.members.letIn('../card', proof, joiner.identity.name)).toBeUndefined();
    expect(inviter.members.card()).toBeDefined();
  });

  it('lets nobody in who is revoked, and is not used up by that', () => {
    const [inviter, bad, good] = [
      network.peer({ admits: true }),
      network.peer({ member: false }),
      network.peer({ member: false }),
    ];
    inviter.members.hear(network.revocation(bad.identity.name));
    const { secret } = inviter.members.invite()!;
    expect(letIn(inviter, bad, secret)).toBeUndefined();
    expect(letIn(inviter, good, secret)).toBeDefined();
  });

  it('is read as it was written, and a damaged one is none', () => {
    const { identity } = newKey();
    const token = {
      network: Buffer.from(network.raw),
      peer: identity.name,
      addresses: ['/ip4/192.168.1.5/tcp/4001'],
      secret: Buffer.alloc(32, 7),
      until: network.now,
    };
    const text = formatJoinToken(token);
    expect(parseJoinToken(text)).toEqual(token);
    for (const other of [
      text.slice(0, -9),
      'pyrsia-join-',
      `${text}${'A'.repeat(5000)}`,
      formatJoinToken({ ...token, secret: new Uint8Array(3) }),
    ])
      expect(() => parseJoinToken(other)).toThrow(/no whole token/);
    expect(() => parseJoinToken(text.slice(0, -9))).not.toThrow(
      Buffer.alloc(32, 7).toString('base64').slice(0, 10),
    );
  });
});

describe('A revocation', () => {
  it('is heard by whoever hears it, kept, and handed on', () => {
    const [a, b, bad] = [network.peer(), network.peer(), network.peer()];
    expect(a.members.hear(network.revocation(bad.identity.name))).toBe(1);
    expect(seen(a, bad)).toBe('revoked');
    expect(seen(b, bad)).toMatchObject({ peer: bad.identity.name });
    expect(b.members.hear(a.members.revoked().text)).toBe(1);
    expect(b.members.hear(a.members.revoked().text)).toBe(0);
    expect(b.members.revoked()).toEqual(a.members.revoked());
    expect(b.reopened().admit(network.card(bad.identity.name), bad.identity.name)).toBe('revoked');
  });

  it('ends the membership of who hears that it was revoked itself', () => {
    const bad = network.peer();
    bad.members.hear(network.revocation(bad.identity.name));
    expect([bad.members.standing(), bad.members.card()]).toEqual(['revoked', undefined]);
  });

  it('is nothing where another than the network’s key has signed it', () => {
    const [a, b, delegate] = [network.peer(), network.peer(), network.peer({ admits: true })];
    using other = networkOfMembers();
    const own = signRevocation(network.raw, { peer: b.identity.name, at: network.now }, delegate.key);
    const good = network.revocation(b.identity.name);
    for (const text of [
      own,
      other.revocation(b.identity.name),
      `${good}x`,
      good.replace(/at \d+/, 'at 1'),
      good.slice(1),
    ])
      expect(a.members.hear(text)).toBeUndefined();
    expect(readRevocations(`${good}${own}`, network.raw)).toBeUndefined();
    expect(seen(a, b)).toMatchObject({ peer: b.identity.name });
  });
});

describe('A clock', () => {
  it('that is behind counts a card as early, but for some minutes', () => {
    const b = network.peer();
    const [behind, little] = [AHEAD_S + 1, AHEAD_S].map((s) =>
      network.peer({ member: false, clock: () => network.now - s }),
    );
    expect(seen(behind!, b)).toBe('early');
    expect(seen(little!, b)).toMatchObject({ peer: b.identity.name });
  });

  it('that jumps back makes nobody a member again whose time is over', () => {
    let clock = network.now;
    const a = network.peer({ clock: () => clock });
    const old = network.peer();
    const card = old.members.card()!;
    network.now += MEMBER_S + day;
    clock = network.now;
    expect(a.members.admit(card, old.identity.name)).toBe('expired');
    // Somebody whose card is from today was here.
    const today = network.peer();
    expect(seen(a, today)).toMatchObject({ peer: today.identity.name });
    clock -= 60 * day;
    expect(a.members.admit(card, old.identity.name)).toBe('expired');
  });

  it('that jumps ahead ends what it has to, and what was kept holds again when it is set right', () => {
    let clock = network.now;
    const a = network.peer({ clock: () => clock });
    const b = network.peer();
    clock += 400 * day;
    expect([seen(a, b), a.members.standing()]).toEqual(['expired', 'expired']);
    clock = network.now;
    expect(seen(a, b)).toMatchObject({ peer: b.identity.name });
    expect(a.members.standing()).toMatchObject({ peer: a.identity.name });
  });

  it('of somebody who is ahead sets nobody else’s', () => {
    const [a, b, ahead] = [network.peer(), network.peer(), network.peer({ member: false })];
    const from = network.now + AHEAD_S;
    expect(seen(a, ahead, network.card(ahead.identity.name, { from }))).toMatchObject({
      peer: ahead.identity.name,
    });
    expect(
      readCard(b.members.card()!, {
        network: network.raw,
        peer: b.identity.name,
        now: network.now,
        isRevoked: () => false,
      }),
    ).toMatchObject({ peer: b.identity.name });
    const short = network.card(b.identity.name, {
      from: network.now - day,
      until: network.now + AHEAD_S - 1,
    });
    expect(seen(a, b, short)).toMatchObject({ peer: b.identity.name });
  });
});
