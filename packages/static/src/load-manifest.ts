import { readFileSync } from "node:fs";
import { StaticError } from "./errors.js";
import { isManifest, type Manifest, type ManifestFile } from "./options.js";

/** @throws {StaticError} `TZ_STATIC_MANIFEST` when the file cannot be read or is no manifest */
export function loadManifest(given: string | Manifest | undefined): ReadonlyMap<string, ManifestFile> {
  if (given === undefined) return new Map();
  const manifest = typeof given === "string" ? readManifest(given) : given;
  return new Map(Object.entries(manifest.files).map(([path, file]) => [path.replace(/^\//, ""), file]));
}

function readManifest(path: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new StaticError("TZ_STATIC_MANIFEST", `${JSON.stringify(path)} cannot be read as JSON`, { cause });
  }
  if (isManifest(parsed)) return parsed;
  throw new StaticError(
    "TZ_STATIC_MANIFEST",
    `${JSON.stringify(path)} is no manifest: { "files": { "path": { "hash"?: string, "preload"?: string[] } } }`,
  );
}
