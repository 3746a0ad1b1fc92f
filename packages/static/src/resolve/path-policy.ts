/** Which names may be asked for at all, before the file system is. */
import type { ResolvedOptions } from "../options.js";
import type { TargetPath } from "./target.js";

/**
 * - `"denied"`: 404, and nobody else is asked
 * - `"ignored"`: as if it were not there
 */
export type PathVerdict = "open" | "denied" | "ignored";

/** RFC 8615: what a site publishes about itself, at the top only. */
const WELL_KNOWN = ".well-known";

export function judgePath(target: TargetPath, options: ResolvedOptions): PathVerdict {
  if (options.dotfiles === "allow") return "open";
  const { segments } = target;
  for (let i = segments[0] === WELL_KNOWN ? 1 : 0; i < segments.length; i++) {
    if (segments[i]!.startsWith(".")) return options.dotfiles === "deny" ? "denied" : "ignored";
  }
  return "open";
}
