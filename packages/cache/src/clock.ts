/** Milliseconds since some fixed moment. */
export type Clock = () => number;

/**
 * A clock that never steps back, over one that may (a wall clock set by NTP, a test's clock). A step back is
 * absorbed: time stands still for that one reading and then goes on at its own pace from there. So an entry
 * lives at most its TTL of time that was seen to pass; it never lives longer because the clock was set back.
 * A reading that is not a finite number counts as no time passed.
 */
export function steadyClock(raw: Clock): Clock {
  let previousMs = Number.NaN;
  let steadyMs = 0;
  return () => {
    const readMs = raw();
    const passedMs = readMs - previousMs;
    if (passedMs > 0 && passedMs !== Number.POSITIVE_INFINITY) steadyMs += passedMs;
    if (Number.isFinite(readMs)) previousMs = readMs;
    return steadyMs;
  };
}

/** A reading of a coarse clock is used again for so long. A time to live is at least a second. */
const COARSE_MS = 5;

/**
 * `performance.now`, read at most every 5 ms: reading it costs more than a whole cache hit. While one synchronous
 * piece of work runs, time stands still. Nothing is scheduled while nobody reads.
 */
export function coarseClock(): Clock {
  let readMs: number | undefined;
  const forget = (): void => {
    readMs = undefined;
  };
  return () => {
    if (readMs === undefined) {
      readMs = performance.now();
      setTimeout(forget, COARSE_MS).unref();
    }
    return readMs;
  };
}
