/** nginx's measurement units. `undefined` for what is not one. */

const KIB = 1024;
const BYTES: Readonly<Record<string, number>> = { "": 1, k: KIB, m: KIB ** 2, g: KIB ** 3 };

/** `8k`, `2m`, `1g`, `512`. */
export function bytesOf(text: string): number | undefined {
  const [, number, unit] = /^(\d+)([kmg]?)$/.exec(text.toLowerCase()) ?? [];
  return number === undefined ? undefined : Number(number) * BYTES[unit!]!;
}

const DAY_S = 86_400;
const SECONDS: Readonly<Record<string, number>> = {
  y: 365 * DAY_S,
  M: 30 * DAY_S,
  w: 7 * DAY_S,
  d: DAY_S,
  h: 3600,
  m: 60,
  s: 1,
  "": 1,
};

/** `1y`, `1h 30m`, `30d`, `3600`. */
export function secondsOf(text: string): number | undefined {
  if (!/^(?:\d+[yMwdhms]? *)+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/(\d+)([yMwdhms]?)/g))
    seconds += Number(number) * SECONDS[unit!]!;
  return seconds;
}
