/**
 * Hours of the day: `22:00-07:00`, several separated by commas, or `always`.
 *
 * @module
 */

/** From one minute of the day on, up to another and without it; over midnight where that is the earlier one. */
export interface Span {
  /** Minutes since midnight. */
  readonly from: number;
  readonly to: number;
}

/** When something holds: at all times, or within any of these. */
export type Hours = 'always' | readonly Span[];

/** The most spans. */
const SPANS_LIMIT = 24;

/** Reads hours; undefined for what is none. */
export function parseHours(text: string): Hours | undefined {
  if (text === 'always') return text;
  const spans = text.split(',').map((each) => spanIn(each.trim()));
  const isWhole = spans.length <= SPANS_LIMIT && spans.every((each) => each !== undefined);
  return isWhole ? spans : undefined;
}

/** Whether they hold at a time, by the clock on this machine's wall. */
export function isWithin(hours: Hours, at: Date): boolean {
  if (hours === 'always') return true;
  const minute = at.getHours() * 60 + at.getMinutes();
  return hours.some(({ from, to }) =>
    from < to ? minute >= from && minute < to : minute >= from || minute < to,
  );
}

function spanIn(text: string): Span | undefined {
  const [, ...numbers] = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const [fromHour, fromMinute, toHour, toMinute] = numbers.map(Number);
  const from = minuteOf(fromHour, fromMinute);
  const to = minuteOf(toHour, toMinute);
  return from === undefined || to === undefined || from === to ? undefined : { from, to };
}

function minuteOf(hour = 24, minute = 60): number | undefined {
  return hour < 24 && minute < 60 ? hour * 60 + minute : undefined;
}
