/** From a path to what answers it: a file, a redirect, a directory without index, or nothing. */
import { COMPRESSIONS, type Compression, SIDECAR_SUFFIX } from "../negotiate/coding.js";
import type { ResolvedOptions } from "../options.js";
import type { Steps } from "../steps.js";
import { type FileStatus, isOpened, type OpenedFile, type Refusal } from "./file-system.js";
import type { Lookup } from "./lookup.js";
import { isServed, judgePath } from "./path-policy.js";
import { encodeSegment, type TargetPath } from "./target.js";

export interface FoundFile {
  readonly kind: "file";
  readonly path: string;
  /** `undefined` when only compressed forms of it exist. */
  readonly file: OpenedFile | undefined;
  readonly sidecars: readonly { readonly coding: Compression; readonly file: OpenedFile }[];
  /** It was asked for by the content-addressed name that a manifest gives it. */
  readonly isAddressed?: true;
}

export interface ResolverInit {
  readonly options: ResolvedOptions;
  /** Content-addressed names to paths. */
  readonly names: ReadonlyMap<string, string>;
  /** Told of a sidecar that is older than its source. */
  readonly onStale: (path: string) => void;
}

export type Resolution =
  | FoundFile
  /** To another spelling of the target; the query is added when it is sent. */
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "directory"; readonly path: string; readonly status: FileStatus }
  | { readonly kind: "refused"; readonly status: number };

const NOT_FOUND: Resolution = { kind: "refused", status: 404 };
const PAGE_SUFFIX = ".html";

export class Resolver {
  readonly #target: TargetPath;
  readonly #lookup: Lookup;
  readonly #options: ResolvedOptions;
  readonly #init: ResolverInit;

  constructor(target: TargetPath, lookup: Lookup, init: ResolverInit) {
    this.#target = target;
    this.#lookup = lookup;
    this.#options = init.options;
    this.#init = init;
  }

  *resolve(): Steps<Resolution> {
    return yield* this.#target.isDirectory ? this.#withSlash() : this.#withoutSlash();
  }

  *#withoutSlash(): Steps<Resolution> {
    const { path } = this.#target;
    const { cleanUrls, listing, spaFallback, trailingSlash } = this.#options;
    const found = yield* this.#lookup.open(path);
    if (found === "missing") {
      const source = this.#init.names.get(path);
      if (source !== undefined) return yield* this.#addressed(source);
      const page = yield* this.#page(path);
      if (page !== undefined) return trailingSlash === "always" ? this.#redirect(path, true, page) : page;
      return (yield* this.#withExtension(path)) ?? (yield* this.#sidecarsOnly(path));
    }
    if (typeof found === "string") return refused(found);
    if (isOpened(found)) {
      const clean = cleanUrls ? yield* this.#cleanAddress(path) : undefined;
      if (clean === undefined) return yield* this.#file(path, found);
      this.#lookup.discard(found);
      if (!isServed(path, this.#options)) return NOT_FOUND;
      const withSlash = trailingSlash === "always" || (clean.isDirectory && trailingSlash !== "never");
      return this.#redirect(clean.path, withSlash);
    }
    if (found.kind !== "directory") return NOT_FOUND;
    if (cleanUrls && (yield* this.#indexPath(path)) === undefined) {
      const page = yield* this.#page(path);
      if (page !== undefined) return trailingSlash === "always" ? this.#redirect(path, true, page) : page;
    }
    // What has neither index nor listing is an address of the application, with a slash or without.
    const isApplications =
      spaFallback !== false &&
      trailingSlash === "auto" &&
      listing === false &&
      (yield* this.#indexPath(path)) === undefined;
    if (isApplications) return { kind: "directory", path, status: found };
    // Links in an index page are relative to the directory, so its address has to end in a slash.
    if (trailingSlash === "auto" || trailingSlash === "always") return this.#redirect(path, true);
    return (yield* this.#index(path)) ?? { kind: "directory", path, status: found };
  }

  *#withSlash(): Steps<Resolution> {
    const { path } = this.#target;
    const { trailingSlash } = this.#options;
    const index = yield* this.#index(path);
    if (index !== undefined) return this.#orWithoutSlash(index);
    const found = yield* this.#lookup.open(path);
    if (found === "missing") {
      const page = yield* this.#page(path);
      return page === undefined ? NOT_FOUND : this.#pageWithSlash(page);
    }
    if (typeof found === "string") return refused(found);
    if (isOpened(found)) {
      this.#lookup.discard(found);
      return trailingSlash === "never" ? this.#redirect(path, false) : NOT_FOUND;
    }
    if (found.kind !== "directory") return NOT_FOUND;
    const page = yield* this.#page(path);
    if (page !== undefined) return this.#pageWithSlash(page);
    return this.#orWithoutSlash({ kind: "directory", path, status: found });
  }

  #pageWithSlash(page: Resolution): Resolution {
    const { trailingSlash } = this.#options;
    const stays = trailingSlash === "always" || trailingSlash === "ignore";
    return stays ? page : this.#redirect(this.#target.path, false, page);
  }

  #orWithoutSlash(resolution: Resolution): Resolution {
    const { path } = this.#target;
    if (this.#options.trailingSlash !== "never" || path === "") return resolution;
    return this.#redirect(path, false, resolution);
  }

  /** The first index file that is there; `undefined` when none is. */
  *#index(path: string): Steps<Resolution | undefined> {
    for (const name of this.#options.index) {
      const below = path === "" ? name : `${path}/${name}`;
      const found = yield* this.#lookup.open(below);
      if (typeof found === "string") {
        if (found !== "missing") return refused(found);
      } else if (isOpened(found)) {
        return yield* this.#file(below, found);
      }
    }
    return undefined;
  }

  /** Where the first index file that is there lies, whether it may be served or not. */
  *#indexPath(path: string): Steps<string | undefined> {
    for (const name of this.#options.index) {
      const below = path === "" ? name : `${path}/${name}`;
      const found = yield* this.#lookup.open(below);
      if (found === "missing") continue;
      if (typeof found === "string") return below;
      if (!isOpened(found)) continue;
      this.#lookup.discard(found);
      return below;
    }
    return undefined;
  }

  /** The cleaner address of a page; `undefined` when it has none, or when something else answers there. */
  *#cleanAddress(path: string): Steps<CleanPath | undefined> {
    const clean = cleanPath(path, this.#options.index);
    if (clean === undefined) return undefined;
    if (clean.isDirectory) return (yield* this.#indexPath(clean.path)) === path ? clean : undefined;
    const found = yield* this.#lookup.open(clean.path);
    if (found === "missing") return this.#init.names.has(clean.path) ? undefined : clean;
    if (typeof found === "string") return undefined;
    if (isOpened(found)) {
      this.#lookup.discard(found);
      return undefined;
    }
    const isFree = found.kind === "directory" && (yield* this.#indexPath(clean.path)) === undefined;
    return isFree ? clean : undefined;
  }

  /** `about` for `about.html`; `dir/index` is not one more address of `dir/`, it leads there. */
  *#page(path: string): Steps<Resolution | undefined> {
    if (!this.#options.cleanUrls || path === "") return undefined;
    const page = path + PAGE_SUFFIX;
    const found = yield* this.#lookup.open(page);
    if (typeof found === "string" || !isOpened(found)) return undefined;
    const clean = cleanPath(page, this.#options.index);
    const isIndex = clean?.isDirectory === true && (yield* this.#indexPath(clean.path)) === page;
    if (!isIndex || !isServed(page, this.#options)) return yield* this.#file(page, found);
    this.#lookup.discard(found);
    return this.#redirect(clean.path, this.#options.trailingSlash !== "never");
  }

  /** `name.txt` for `name`: the first of the extensions that there is a file with. */
  *#withExtension(path: string): Steps<Resolution | undefined> {
    const { extensions } = this.#options;
    if (extensions.length === 0 || path === "" || path.includes(".", path.lastIndexOf("/"))) return undefined;
    for (const extension of extensions) {
      const below = `${path}.${extension}`;
      const found = yield* this.#lookup.open(below);
      if (typeof found !== "string" && isOpened(found)) return yield* this.#file(below, found);
    }
    return undefined;
  }

  /** The file behind a content-addressed name. */
  *#addressed(path: string): Steps<Resolution> {
    if (judgePath(path.split("/"), this.#options) !== "open") return NOT_FOUND;
    const found = yield* this.#lookup.open(path);
    if (typeof found === "string") return refused(found);
    if (!isOpened(found)) return NOT_FOUND;
    const file = yield* this.#file(path, found);
    return file.kind === "file" ? { ...file, isAddressed: true } : file;
  }

  *#file(path: string, file: OpenedFile): Steps<Resolution> {
    const refusal = this.#refusalOf(path, file);
    if (refusal !== undefined) {
      this.#lookup.discard(file);
      return refusal;
    }
    const sidecars = yield* this.#sidecars(path, file.status);
    return { kind: "file", path, file, sidecars };
  }

  #refusalOf(path: string, file: OpenedFile): Resolution | undefined {
    const { maxFileBytes } = this.#options;
    if (!isServed(path, this.#options)) return NOT_FOUND;
    return maxFileBytes !== undefined && file.status.byteLength > maxFileBytes
      ? { kind: "refused", status: 413 }
      : undefined;
  }

  *#sidecarsOnly(path: string): Steps<Resolution> {
    if (!isServed(path, this.#options)) return NOT_FOUND;
    const sidecars = yield* this.#sidecars(path, undefined);
    return sidecars.length === 0 ? NOT_FOUND : { kind: "file", path, file: undefined, sidecars };
  }

  /** @param source the file that they were made from; one that is older than it holds something else */
  *#sidecars(path: string, source: FileStatus | undefined): Steps<FoundFile["sidecars"]> {
    const sidecars: { coding: Compression; file: OpenedFile }[] = [];
    if (this.#options.precompressed.length === 0 || isSidecar(path)) return sidecars;
    for (const coding of this.#options.precompressed) {
      const name = path + SIDECAR_SUFFIX[coding];
      const found = yield* this.#lookup.open(name);
      if (typeof found === "string" || !isOpened(found)) continue;
      const isStale = source !== undefined && isOlder(found.status, source);
      if (isStale) this.#init.onStale(name);
      // No coding has a form without bytes: it was begun, and never written.
      const isEmpty = found.status.byteLength === 0;
      if (isStale || isEmpty || this.#refusalOf(path, found) !== undefined) this.#lookup.discard(found);
      else sidecars.push({ coding, file: found });
    }
    return sidecars;
  }

  /** @param instead what was found, and is closed because the client is sent elsewhere */
  #redirect(path: string, withSlash: boolean, instead?: Resolution): Resolution {
    if (instead?.kind === "refused" || instead?.kind === "redirect") return instead;
    if (instead?.kind === "file") {
      if (instead.file !== undefined) this.#lookup.discard(instead.file);
      for (const { file } of instead.sidecars) this.#lookup.discard(file);
    }
    const below = path.split("/").map(encodeSegment).join("/");
    const location = `${this.#target.base}/${below}`;
    return { kind: "redirect", location: withSlash && below !== "" ? `${location}/` : location };
  }
}

interface CleanPath {
  readonly path: string;
  readonly isDirectory: boolean;
}

/** `dir/index.html` to `dir`, `dir/page.html` to `dir/page`; `undefined` when it is clean already. */
function cleanPath(path: string, index: readonly string[]): CleanPath | undefined {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  // `..html` without its end would be a step, not a name.
  if (!name.endsWith(PAGE_SUFFIX) || /^\.{0,2}$/.test(name.slice(0, -PAGE_SUFFIX.length))) return undefined;
  return index.includes(name)
    ? { path: path.slice(0, Math.max(0, slash)), isDirectory: true }
    : { path: path.slice(0, -PAGE_SUFFIX.length), isDirectory: false };
}

function isSidecar(path: string): boolean {
  return COMPRESSIONS.some((coding) => path.endsWith(SIDECAR_SUFFIX[coding]));
}

/** Archives and image layers cut times to whole seconds: a time without a fraction is compared without. */
function isOlder(a: FileStatus, b: FileStatus): boolean {
  if (a.mtimeSeconds !== b.mtimeSeconds) return a.mtimeSeconds < b.mtimeSeconds;
  const precision = precisionOf(a.mtimeNanoseconds);
  return a.mtimeNanoseconds < b.mtimeNanoseconds - (b.mtimeNanoseconds % precision);
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

/**
 * Archives keep seconds, `fs.utimes` with a `Date` milliseconds, with a number microseconds: a form that got its
 * source's time by one of them is not older than its source.
 */
function precisionOf(nanoseconds: number): number {
  if (nanoseconds === 0) return 1e9;
  if (nanoseconds % 1e6 === 0) return 1e6;
  return nanoseconds % 1e3 === 0 ? 1e3 : 1;
}
