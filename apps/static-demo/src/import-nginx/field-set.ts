/** What a block of nginx sends with a file. */
import type { Settings } from "./settings.js";

export interface FieldSet {
  readonly cacheControl: string | undefined;
  /** With files only. */
  readonly withFiles: Readonly<Record<string, string>>;
  /** With errors too. */
  readonly always: Readonly<Record<string, string>>;
}

/** `expires` and `add_header Cache-Control` make two fields in nginx: one with both here, which says the same. */
export function fieldSetOf({ expires, fields = [] }: Settings): FieldSet {
  const caching = typeof expires === "string" ? [expires] : [];
  const withFiles: Record<string, string> = {};
  const always: Record<string, string> = {};
  for (const { name, value, isAlways } of fields) {
    if (name.toLowerCase() === "cache-control") {
      caching.push(value);
      continue;
    }
    const set = isAlways ? always : withFiles;
    set[name] = set[name] === undefined ? value : `${set[name]}, ${value}`;
  }
  return { cacheControl: caching.length === 0 ? undefined : caching.join(", "), withFiles, always };
}

/** As one list for a glob. */
export function flat({ cacheControl, withFiles, always }: FieldSet): Readonly<Record<string, string>> {
  return { ...always, ...withFiles, ...(cacheControl !== undefined && { "Cache-Control": cacheControl }) };
}
