import { CONTENDERS } from "./contenders.js";

export interface Measured {
  readonly name: string;
  readonly ns: number;
}

/**
 * All contenders on one request: first each must read it as the others do, then they take turns, so that what
 * else the machine does hits all alike; the best round of each counts.
 */
export function measure(request: Uint8Array, rounds: number, times: number): Measured[] {
  const contenders = CONTENDERS.map((make) => make(request));
  const readings = contenders.map((contender) => {
    contender.run(1);
    return JSON.stringify(contender.check());
  });
  const wrong = readings.findIndex((reading) => reading !== readings[0]);
  if (wrong >= 0) throw new Error(`${contenders[wrong]?.name} reads ${readings[wrong]}, not ${readings[0]}`);

  const best = contenders.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const start = process.hrtime.bigint();
      contender.run(times);
      best[i] = Math.min(best[i]!, Number(process.hrtime.bigint() - start) / times);
    }
  }
  return contenders.map(({ name }, i) => ({ name, ns: best[i]! }));
}
