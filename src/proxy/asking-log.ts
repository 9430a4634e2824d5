/**
 * What the log says of an artifact that somebody asks for, and whether their policy lets it through by that.
 *
 * @module
 */
import { type Coordinates, purlOf } from '../content/coordinates.ts';
import { PyrsiaError } from '../errors.ts';
import type { LogLine, Rung } from '../resolve/report.ts';
import { type Finding, type LogWord, objection } from '../verify/logged.ts';
import type { Asker } from './asker.ts';

/** Asks the log for those who ask us. */
export interface AskingLog {
  /** Reads what answering for these takes. Never rejects. */
  prepare(this: void, asker: Asker, coordinates: readonly Coordinates[]): Promise<void>;
  /**
   * What the log says, as far as it was read; undefined where it is not asked: no network is configured, or the upstream is not
   * its ecosystem's public one.
   */
  finding(this: void, asker: Asker, coordinates: Coordinates): Finding | undefined;
  /** Throws `LOG_OBJECTS` where that does not suffice for the asker's policy. */
  demand(this: void, asker: Asker, coordinates: Coordinates, finding: Finding | undefined): void;
}

/** Asks `log`; without one nothing is asked. */
export function openAskingLog(log: LogWord | undefined): AskingLog {
  return {
    async prepare(asker, coordinates) {
      if (!log) return;
      // Not even the hash of what is private leaves this machine, nor is it looked for.
      if (asker.upstream.public) await log.lookUp(coordinates.map(purlOf), isOffline(asker));
      const told = log.told(isOffline(asker));
      if (told) asker.reporter.asked(told);
      for (const note of log.notes(isOffline(asker))) asker.reporter.note(note);
    },
    finding: (asker, coordinates) =>
      asker.upstream.public ? log?.finding(purlOf(coordinates), isOffline(asker)) : undefined,
    demand(asker, coordinates, finding) {
      if (!log || !finding) return;
      const standing = log.told(isOffline(asker)) ?? { old: false };
      const reason = objection(asker.policy, finding, standing);
      if (reason !== undefined)
        throw new PyrsiaError('LOG_OBJECTS', { purl: purlOf(coordinates), policy: asker.policy, reason });
    },
  };
}

/** What a report line tells of that. */
export function toldFinding(finding: Finding | undefined): { readonly log?: LogLine } {
  if (!finding) return {};
  return { log: { says: finding.kind, ...('entry' in finding && { entry: finding.entry }) } };
}

/** The rung of the ladder on which an artifact stands that was found on this word. */
export function rungOf(word: string, finding: Finding | undefined): Rung {
  if (word === 'published' && finding?.kind === 'logged') return 'observed';
  return word === 'declared' ? 'registry digest' : 'none';
}

function isOffline({ offline }: Asker): boolean {
  return offline !== undefined;
}
