import { subscribe } from "node:diagnostics_channel";
import { workerRole } from "../workers/worker-role.js";
import { DEBUG_SECTIONS, type DebugSection } from "./debug-sections.js";

const ALL = Object.keys(DEBUG_SECTIONS) as DebugSection[];
let started = false;

/** Follows `TZ_DEBUG` of the environment: the first call in a process does, the others do nothing. */
export function startDebugTraces(): void {
  if (started) return;
  started = true;
  const asked = process.env.TZ_DEBUG;
  if (asked === undefined || asked.trim() === "") return;
  const { sections, unknown } = debugSections(asked);
  const write = (line: string): void => void process.stderr.write(line);
  // Workers read the same variable as the process that starts them: once is enough.
  if (unknown.length > 0 && workerRole() === undefined) {
    const what = unknown.length === 1 ? "an unknown section" : "unknown sections";
    write(
      `tz: TZ_DEBUG names ${what}: ${unknown.map(printable).join(", ")}; allowed: ${ALL.join(", ")}, *\n`,
    );
  }
  for (const section of sections) {
    for (const [channel, line] of DEBUG_SECTIONS[section]) {
      subscribe(channel, (message) =>
        write(traceLine(section, (line as (message: unknown) => string)(message))),
      );
    }
  }
}

/** What a value of `TZ_DEBUG` names: sections divided by commas, in any case, or `*` for all. */
export function debugSections(value: string): { sections: DebugSection[]; unknown: string[] } {
  const names = value
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  const sections = names.includes("*") ? ALL : ALL.filter((section) => names.includes(section));
  return { sections, unknown: names.filter((name) => name !== "*" && !(ALL as string[]).includes(name)) };
}

/** Seconds since the process began; its id, since workers share one stderr. */
function traceLine(section: DebugSection, text: string): string {
  const seconds = (performance.now() / 1000).toFixed(4);
  return `tz:${section} ${process.pid} ${seconds} ${printable(text)}\n`;
}

/** What clients sent must not reach a terminal as it is. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
