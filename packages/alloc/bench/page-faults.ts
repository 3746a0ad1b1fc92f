import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Row, Scale } from "./measure.js";
import { scaled } from "./measure.js";

export interface PageFaults {
  readonly prefaulted: number;
  readonly notPrefaulted: number;
}

/**
 * Page faults while a pool of 16 KiB slots serves: every slot is taken, written from end to end and given back.
 * In a process of its own, where nothing else is going on.
 */
export function benchPageFaults(scale: Scale): Row[] {
  const slots = scaled(scale, 10_000);
  const child = fileURLToPath(new URL("./page-faults-child.ts", import.meta.url));
  const run = (prefault: boolean) => {
    const text = execFileSync(
      process.execPath,
      ["--import", "tsx", "--conditions=@tz/source", child, String(slots), String(prefault)],
      {
        encoding: "utf8",
        timeout: 60_000,
      },
    );
    return Number(text);
  };
  const faults = run(true);
  return [
    {
      what: `page faults while ${slots.toLocaleString("en")} slots of 16 KiB are served, prefaulted`,
      figure: String(faults),
      target: "0",
      met: faults === 0,
      note: `not prefaulted: ${run(false).toLocaleString("en")}`,
    },
  ];
}
