import { guardsIn } from './mutation.ts';

/** Who is let into a private network. */
export const memberGuards = [
  ...guardsIn(
    'src/p2p/members/membership.ts',
    'test/p2p/membership.test.ts',
    {
      why: 'Members of one network are let into another',
      find: "if (both.some((each) => each.network !== base64(network))) return 'other-network';",
      replace: '',
    },
    {
      why: 'Whoever copies a card is a member',
      find: "if (own.peer !== peer) return 'other-peer';",
      replace: '',
    },
    {
      why: 'Who was admitted admits others, or itself',
      find: "if (admitter && (!admitter.admits || own.admits || admitter.peer === own.peer)) return 'malformed';",
      replace: '',
    },
    {
      why: 'A card that nobody has signed is taken',
      find: "if (!by || !isSigned(own, by) || (admitter && !isSigned(admitter, network))) return 'forged';",
      replace: '',
    },
    {
      why: 'Somebody whom the network’s key does not know admits others',
      find: '(admitter && !isSigned(admitter, network))',
      replace: '(admitter && false)',
    },
    {
      why: 'Who was revoked, or was admitted by one who was, stays',
      find: "if (both.some((each) => isRevoked(each.peer))) return 'revoked';",
      replace: '',
    },
    {
      why: 'A membership never ends',
      find: "if (now >= ends) return 'expired';",
      replace: '',
    },
    {
      why: 'A membership that is not yet valid is taken, by whoever’s clock is set back',
      find: "if (both.some(({ from }) => from > now + AHEAD_S)) return 'early';",
      replace: '',
    },
    {
      why: 'A member makes itself one for a hundred years',
      find: 'if (lasts <= 0 || lasts > (admits === ',
      replace: 'if (lasts <= 0 || 0 > (admits === ',
    },
    {
      why: 'Any member revokes others',
      find: 'const isWhole = of === base64(network) && keyOfPeer(peer) && isSigned({ body, signature }, network);',
      replace: 'const isWhole = of === base64(network) && keyOfPeer(peer);',
    },
  ),
  ...guardsIn('src/p2p/members/membership.ts', 'test/fuzz/fuzz.test.ts', {
    why: 'A card has several spellings',
    find: "card !== both.map(({ text }) => text).join('')",
    replace: 'false',
    only: 'membership',
  }),
  ...guardsIn(
    'src/p2p/members/members.ts',
    'test/p2p/membership.test.ts',
    {
      why: 'A token lets in whoever has seen it used',
      find: 'isSameProof(joinProof({ secret, network }, { inviter: self, joiner }), proof);',
      replace: 'proof.byteLength === 32;',
    },
    {
      why: 'Who was revoked is let in again by a token',
      find: 'if (peer === self || isRevoked(peer)) return undefined;',
      replace: '',
    },
    {
      why: 'A member that may admit nobody opens invitations',
      find: "if (typeof own !== 'object' || !own.admits) return undefined;\n      const secret",
      replace: "if (typeof own !== 'object') return undefined;\n      const secret",
    },
    {
      why: 'A clock that jumps back makes members of those whose time is over',
      find: 'latest = Math.max(latest, found.from);',
      replace: 'latest = 0;',
    },
  ),
  ...guardsIn(
    'src/p2p/members/member-files.ts',
    'test/p2p/membership.test.ts',
    {
      why: 'A token lets in several',
      find: 'renameSync(fresh, used);',
      replace: 'void used;',
    },
    {
      why: 'A token can be used for ever',
      find: 'if (found === undefined || now >= Number(until)) return false;',
      replace: 'if (found === undefined) return false;',
    },
    {
      why: 'The name of an invitation is a path to any file',
      find: 'if (!/^[0-9a-f]{32}$/.test(id)) return false;',
      replace: '',
    },
  ),
  ...guardsIn(
    'src/p2p/members/member-guard.ts',
    'test/p2p/member-guard.test.ts',
    {
      why: 'A stranger is answered',
      find: 'return handle(protocol, guarded, handlerOptions);',
      replace: 'void guarded;\n      return handle(protocol, handler, handlerOptions);',
      only: 'a stranger that connects',
    },
    {
      why: 'A stranger is asked for what is missing here',
      find: 'await admission(connection);\n        return newStream',
      replace: 'return newStream',
      only: 'a stranger whom a member meets',
    },
    {
      why: 'Whose time is over goes on being answered',
      find: 'if (entry.admitted && members.holds(entry.admitted)) return;',
      replace: 'if (entry.admitted) return;',
      only: 'in the middle of a connection',
    },
    {
      why: 'Who was revoked stays connected',
      find: "if (!members.holds(admitted)) cutOff(connection, new Stranger('expired'));",
      replace: 'if (!members.holds(admitted)) continue;',
      only: 'a revocation travels',
    },
    {
      why: 'A stranger that says nothing stays',
      find: "if (!entry.admitted) cutOff(connection, new Stranger('none'));",
      replace: '',
      only: 'a stranger that connects',
    },
  ),
  ...guardsIn(
    'src/p2p/members/member-talk.ts',
    'test/p2p/member-guard.test.ts',
    {
      why: 'A stranger is shown the card of a member, and what was revoked',
      find: 'if (first?.kind !== GREETING || !isSame(first.body, greeting(network, peer, self)))',
      replace: 'if (false)',
      only: 'a card without a greeting',
    },
    {
      why: 'Whoever is asked is believed to be a member',
      find: "if (typeof admitted === 'string') throw new Stranger(admitted);",
      replace: "if (typeof admitted === 'string') throw new Error(admitted);",
      only: 'is told why',
    },
  ),
];
