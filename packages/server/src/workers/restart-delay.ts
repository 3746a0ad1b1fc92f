const FIRST_DELAY_MS = 100;
const DOUBLINGS_MAX = 30;

/**
 * How long the successor of a worker waits.
 * @param failures workers in a row that ended soon after their start, this one included
 */
export function restartDelayMs(failures: number, delayMsMax: number): number {
  if (failures <= 1) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures - 2, DOUBLINGS_MAX), delayMsMax);
}
