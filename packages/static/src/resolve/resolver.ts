/** From a path to what answers it: a file, a redirect, a directory without index, or nothing. */
import type { ResolvedOptions } from "../options.js";
import type { Steps } from "../steps.js";
import { isOpened, type OpenedFile, type Refusal } from "./file-system.js";
import type { Lookup } from "./lookup.js";
import type { TargetPath } from "./target.js";

export type Resolution =
  | { readonly kind: "file"; readonly path: string; readonly file: OpenedFile }
  /** To another spelling of the target; the query is added when it is sent. */
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "refused"; readonly status: number };

export function* resolve(target: TargetPath, lookup: Lookup, options: ResolvedOptions): Steps<Resolution> {
  if (target.isDirectory) return yield* resolveDirectory(target, lookup, options);
  const found = yield* lookup.open(target.path);
  if (typeof found === "string") return refused(found);
  if (isOpened(found)) return { kind: "file", path: target.path, file: found };
  // Links in an index page are relative to the directory, so its address has to end in a slash.
  if (found.kind === "directory") return { kind: "redirect", location: `${target.canonical}/` };
  return { kind: "refused", status: 404 };
}

function* resolveDirectory(target: TargetPath, lookup: Lookup, options: ResolvedOptions): Steps<Resolution> {
  for (const name of options.index) {
    const path = target.path === "" ? name : `${target.path}/${name}`;
    const found = yield* lookup.open(path);
    if (typeof found === "string") {
      if (found !== "missing") return refused(found);
    } else if (isOpened(found)) {
      return { kind: "file", path, file: found };
    }
  }
  const found = yield* lookup.open(target.path);
  if (typeof found === "string") return refused(found);
  if (isOpened(found)) {
    lookup.discard(found);
    return { kind: "refused", status: 404 };
  }
  return found.kind === "directory"
    ? { kind: "directory", path: target.path }
    : { kind: "refused", status: 404 };
}

const STATUS_OF_REFUSAL: Record<Refusal, number> = {
  missing: 404,
  // Whether there is a link, and where to, is nobody's business.
  outside: 404,
  forbidden: 403,
  exhausted: 503,
  failed: 500,
};

function refused(refusal: Refusal): Resolution {
  return { kind: "refused", status: STATUS_OF_REFUSAL[refusal] };
}
