/** Which names may be asked for at all, before the file system is. */
import { extensionOf } from "../negotiate/media-type.js";
import type { ResolvedOptions } from "../options.js";

/**
 * - `"denied"`: 404, and nobody else is asked
 * - `"ignored"`: as if it were not there, so a fallback or the next middleware may have it
 */
export type PathVerdict = "open" | "denied" | "ignored";

export type Platform = "posix" | "win32";

export const PLATFORM: Platform = process.platform === "win32" ? "win32" : "posix";

/** RFC 8615: what a site publishes about itself, at the top only. */
const WELL_KNOWN = ".well-known";

/** Devices, with any extension: `con`, `NUL.txt`, `com1`, and the ones with superscript digits. */
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)/i;

/** The rules about names, for the target and once more for the file that it leads to. */
export function judgePath(
  segments: readonly string[],
  options: ResolvedOptions,
  platform: Platform = PLATFORM,
): PathVerdict {
  if (platform === "win32" && segments.some(isSpecialOnWindows)) return "denied";
  if (options.dotfiles !== "allow") {
    for (let i = segments[0] === WELL_KNOWN ? 1 : 0; i < segments.length; i++) {
      if (segments[i]!.startsWith(".")) return options.dotfiles === "deny" ? "denied" : "ignored";
    }
  }
  return "open";
}

/** The rules about files: extensions and globs. */
export function isServed(path: string, options: ResolvedOptions): boolean {
  const { allowExtensions, allow } = options;
  if (allowExtensions?.includes(extensionOf(path)) === false || allow?.(path) === false) return false;
  return !isDenied(path, options);
}

/** Kept from clients on purpose, not only not listed. */
export function isDenied(path: string, { denyExtensions, deny }: ResolvedOptions): boolean {
  return denyExtensions?.includes(extensionOf(path)) === true || deny?.(path) === true;
}

/**
 * Names that Windows reads as something else than they say: drives and streams (`C:`, `a.txt::$DATA`), devices,
 * and a dot or space at the end, which it drops (`a.php.` is `a.php`). Short names (`PROGRA~1`) stand for others.
 */
function isSpecialOnWindows(segment: string): boolean {
  return /[:*?"<>|]/.test(segment) || /[. ]$/.test(segment) || RESERVED.test(segment) || /~\d/.test(segment);
}
