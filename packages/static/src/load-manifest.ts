import { readFileSync } from "node:fs";
import { StaticError } from "./errors.js";
import { isManifest, type Manifest, type ManifestFile } from "./options.js";

/** What is known of files at build time, by path below the root. */
export interface KnownFiles {
  readonly files: ReadonlyMap<string, ManifestFile>;
  /** Content-addressed names to the path of the file that they mean. */
  readonly names: ReadonlyMap<string, string>;
}

/** @throws {StaticError} `TZ_STATIC_MANIFEST` when the file cannot be read or is no manifest */
export function loadManifest(given: string | Manifest | undefined): KnownFiles {
  const files = new Map<string, ManifestFile>();
  const names = new Map<string, string>();
  if (given === undefined) return { files, names };
  const manifest = typeof given === "string" ? readManifest(given) : given;
  for (const [path, file] of Object.entries(manifest.files)) {
    const below = path.replace(/^\//, "");
    files.set(below, file);
    if (file.name !== undefined) names.set(file.name.replace(/^\//, ""), below);
  }
  return { files, names };
}

function readManifest(path: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const why = isMissing ? "does not exist" : "cannot be read as JSON";
    throw new StaticError("TZ_STATIC_MANIFEST", `option "manifest": ${JSON.stringify(path)} ${why}`, {
      cause,
    });
  }
  if (isManifest(parsed)) return parsed;
  throw new StaticError(
    "TZ_STATIC_MANIFEST",
    `option "manifest": ${JSON.stringify(path)} is no manifest: { "files": { "path": { "hash"?: string, "name"?: string, "preload"?: string[] } } }`,
  );
}
