const LONG_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A two-digit year that seems more than this far in the future is in the past (RFC 9110 §5.6.7). */
const CENTURY_WINDOW_YEARS = 50;

/**
 * `Sun, 06 Nov 1994 08:49:37 GMT`: IMF-fixdate, the only form that is sent (RFC 9110 §5.6.7).
 * @param ms milliseconds since 1970; a fraction of a second is cut off
 */
export function httpDate(ms: number): string {
  // ECMA-262 fixes this format, and it is IMF-fixdate for the years 0 to 9999.
  return new Date(ms).toUTCString();
}

const IMF = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const RFC850 = /^([A-Z][a-z]{5,8}), (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const ASCTIME = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/**
 * Reads any of the three forms that a recipient must accept: IMF-fixdate, RFC 850, asctime (RFC 9110 §5.6.7).
 * The day of the week must be one, but is not compared with the date.
 * @param now decides the century of RFC 850's two-digit year
 * @returns milliseconds since 1970, or `undefined` when it is no valid date
 */
export function parseHttpDate(text: string, now: () => number = Date.now): number | undefined {
  let match = IMF.exec(text);
  if (match !== null) return timeOf(match[4]!, match[3]!, match[2]!, match[5]!, match[6]!, match[7]!);
  match = ASCTIME.exec(text);
  if (match !== null) return timeOf(match[7]!, match[2]!, match[3]!, match[4]!, match[5]!, match[6]!);
  match = RFC850.exec(text);
  if (match === null || !LONG_DAYS.includes(match[1]!)) return undefined;
  return timeOf(fullYear(Number(match[4]), now()), match[3]!, match[2]!, match[5]!, match[6]!, match[7]!);
}

function fullYear(twoDigits: number, nowMs: number): string {
  const thisYear = new Date(nowMs).getUTCFullYear();
  let year = thisYear - (thisYear % 100) + twoDigits;
  if (year > thisYear + CENTURY_WINDOW_YEARS) year -= 100;
  return String(year);
}

function timeOf(
  year: string,
  month: string,
  day: string,
  hour: string,
  minute: string,
  second: string,
): number | undefined {
  const monthIndex = MONTHS.indexOf(month);
  const h = Number(hour);
  const m = Number(minute);
  const s = Number(second);
  // 60 is a leap second.
  if (monthIndex < 0 || h > 23 || m > 59 || s > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(day));
  // 30 Feb and the like have moved on to another month.
  if (date.getUTCMonth() !== monthIndex || date.getUTCDate() !== Number(day)) return undefined;
  return date.getTime() + ((h * 60 + m) * 60 + s) * 1000;
}
