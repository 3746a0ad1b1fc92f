/**
 * A directory behind a prefix: request in, plan out.
 *
 * ```
 *   plan ─▶ cached and fresh? ──────────────────────────────▶ the entry's own plan, the same object each time
 *            │ no
 *            ▼
 *           target ─▶ path ─▶ policy ─▶ resolve ─▶ entry ─▶ cache
 *                                                    └──────▶ answer(request)
 * ```
 */
import { statSync } from "node:fs";
import path from "node:path";
import { type PlanMount, type PlanRequest, ResponseHead, type ResponsePlan } from "@tz/http1";
import { hasOpenat2, isSupported } from "@tz/sys";
import { AnswerCache, type CacheStats } from "./cache/answer-cache.js";
import type { Entry } from "./cache/entry.js";
import { CoarseClock } from "./coarse-clock.js";
import { StaticError } from "./errors.js";
import { type ResolvedOptions, resolveOptions, type StaticOptions } from "./options.js";
import { snapshot } from "./request-snapshot.js";
import { type FileSystem, isSame } from "./resolve/file-system.js";
import { Lookup } from "./resolve/lookup.js";
import { NodeFileSystem } from "./resolve/node-file-system.js";
import { judgePath } from "./resolve/path-policy.js";
import { type Resolution, resolve } from "./resolve/resolver.js";
import { SysFileSystem } from "./resolve/sys-file-system.js";
import { parseTarget, type TargetPath } from "./resolve/target.js";
import { type AnswerMemory, heapMemory, regionMemory } from "./respond/answer-memory.js";
import { errorPlan } from "./respond/error-pages.js";
import { FileEntry } from "./respond/file-entry.js";
import { RedirectEntry, RefusedEntry, redirectPlan } from "./respond/fixed-entries.js";
import { type MaybePromise, run, type Steps, wait } from "./steps.js";
import { inotify } from "./watch/inotify-hub.js";
import { WatchTree } from "./watch/watch-tree.js";

const ALLOW = ["Allow", "GET, HEAD, OPTIONS"] as const;
const OPTIONS_PLAN: ResponsePlan = { head: new ResponseHead(204, ALLOW), body: { kind: "none" } };

/** How often a file is read that changes meanwhile; what the last read found is sent, and not kept. */
const UNSTEADY_MAX = 3;
/** The resolution of the clock on the hot path, as a part of the period that it measures. */
const CLOCK_PARTS = 10;
const CLOCK_RESOLUTION_MS_MAX = 100;

/** A load under way and how many more than the first wait for it. */
interface Loading {
  waiters: number;
  ready: Promise<Entry>;
}

export interface StaticStats extends CacheStats {
  /** Plans made in all. */
  readonly requests: number;
  /** Of these, from the cache without asking the file system. */
  readonly hits: number;
}

export class StaticMount implements PlanMount {
  readonly prefix: string;
  readonly options: ResolvedOptions;
  readonly #files: FileSystem;
  readonly #memory: AnswerMemory;
  readonly #cache: AnswerCache;
  readonly #tree: WatchTree | undefined;
  /** Loads under way by canonical target: a file is read once, however many ask for it. */
  readonly #loading = new Map<string, Loading>();
  #requests = 0;
  #hits = 0;
  #isClosed = false;

  /** @internal Use {@link staticMount}. */
  constructor(prefix: string, dir: string, options: StaticOptions) {
    this.prefix = checkPrefix(prefix);
    this.options = resolveOptions(options);
    const root = checkRoot(dir);
    const { revalidateMs } = this.options;
    const resolutionMs = Math.min(CLOCK_RESOLUTION_MS_MAX, revalidateMs / CLOCK_PARTS);
    const clock = this.options.clock ?? new CoarseClock(resolutionMs);
    const hasSys = this.options.sys === "auto" && isSupported().supported;
    this.#memory = hasSys ? regionMemory : heapMemory;
    this.#files =
      hasSys && hasOpenat2()
        ? new SysFileSystem(root, this.options.symlinks, {
            now: () => clock.now(),
            rootCheckMs: revalidateMs,
          })
        : new NodeFileSystem(root, this.options.symlinks);
    // Without belief there is nothing to watch for.
    if (hasSys && this.options.watch && revalidateMs > 0) {
      this.#tree = new WatchTree({
        root,
        source: inotify,
        now: () => clock.now(),
        onChanged: (entry) => this.#cache.drop(entry),
        onRootMoved: () => this.#files.forgetRoot(),
        onExhausted: () => {},
      });
    }
    this.#cache = new AnswerCache(this.options, clock, this.#tree);
  }

  /**
   * The answer to a request whose target lies below the prefix. Synchronous when nothing has to be waited for;
   * never throws or rejects for anything that a request or the file system does.
   */
  plan(request: PlanRequest): MaybePromise<ResponsePlan> {
    this.#requests++;
    const { method } = request;
    const isGet = method === "GET";
    if (isGet || method === "HEAD") {
      const entry = this.#find(request);
      if (
        entry !== undefined &&
        (this.#cache.isFresh(entry) || this.#isUnchangedNow(entry)) &&
        entry.isIntact()
      ) {
        this.#hits++;
        if ((request.fieldMask & entry.variesOn) === 0) {
          const plan = isGet ? entry.plainGet : entry.plainHead;
          if (plan !== undefined) {
            entry.retain();
            return plan;
          }
        }
        return entry.answer(request);
      }
    } else if (method === "OPTIONS") {
      return OPTIONS_PLAN;
    } else {
      return errorPlan(request, 405, ALLOW);
    }
    return this.#planCold(request);
  }

  get stats(): StaticStats {
    return { requests: this.#requests, hits: this.#hits, ...this.#cache.stats };
  }

  /** Forgets every cached answer. */
  clear(): void {
    this.#cache.clear();
  }

  /** Frees memory, descriptors and watches. Plans that were handed out stay good until they are released. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cache.clear();
    this.#tree?.close();
    this.#files.close();
  }

  /** Asks the cache with the bytes of the request where there are some: no string is made. */
  #find(request: PlanRequest): Entry | undefined {
    const { bytes } = request;
    if (bytes === undefined) {
      const { target } = request;
      const mark = target.indexOf("?");
      return this.#cache.findText(target, mark < 0 ? target.length : mark);
    }
    const start = request.targetStart!;
    const end = request.targetEnd!;
    const entry = this.#cache.find(bytes, start, end);
    if (entry !== undefined) return entry;
    for (let i = start; i < end; i++) {
      if (bytes[i] === QUESTION_MARK) return this.#cache.find(bytes, start, i);
    }
    return undefined;
  }

  #planCold(request: PlanRequest): MaybePromise<ResponsePlan> {
    if (this.#isClosed) return errorPlan(request, 503);
    const target = parseTarget(request.target, this.prefix);
    if (target === "elsewhere") return errorPlan(request, 404);
    if (typeof target === "string") return errorPlan(request, 400);
    if (isMisspelled(target, this.prefix)) {
      return redirectPlan(target.canonical, queryOf(request.target));
    }
    if (judgePath(target, this.options) !== "open") return errorPlan(request, 404);

    const found = run(this.#entryFor(target));
    if (!(found instanceof Promise)) return answerAndRelease(found, request);
    const kept = snapshot(request);
    return found.then((entry) => answerAndRelease(entry, kept));
  }

  /** A fresh entry for the target, with one reference for the caller. */
  *#entryFor(target: TargetPath): Steps<Entry> {
    const key = target.canonical;
    const cached = this.#cache.findText(key);
    if (cached !== undefined) {
      if (cached.isIntact() && (this.#cache.isFresh(cached) || (yield* this.#isUnchanged(cached)))) {
        cached.retain();
        return cached;
      }
      this.#files.forgetRoot();
      this.#cache.drop(cached);
    }
    const refusal = this.#cache.findRefusal(key);
    if (refusal !== undefined && this.#cache.isFresh(refusal)) {
      refusal.retain();
      return refusal;
    }
    const loading = this.#loading.get(key);
    if (loading !== undefined) {
      loading.waiters++;
      return yield* wait(loading.ready);
    }
    const loaded = run(this.#load(target));
    if (!(loaded instanceof Promise)) return loaded;
    return yield* wait(this.#share(key, loaded));
  }

  /** Lets others wait for a load: each of them gets a reference before anyone can give the last one back. */
  #share(key: string, loaded: Promise<Entry>): Promise<Entry> {
    const loading: Loading = { waiters: 0, ready: loaded };
    this.#loading.set(key, loading);
    loading.ready = loaded
      .finally(() => this.#loading.delete(key))
      .then((entry) => {
        for (let i = 0; i < loading.waiters; i++) entry.retain();
        return entry;
      });
    return loading.ready;
  }

  /** Looks at once where that costs microseconds; elsewhere the cold path looks. */
  #isUnchangedNow(entry: Entry): boolean {
    return this.#files.isSynchronous && run(this.#isUnchanged(entry)) === true;
  }

  /** Looks at everything that the entry was made from. One look at a time per entry. */
  *#isUnchanged(entry: Entry): Steps<boolean> {
    if (entry.checking !== undefined) return yield* wait(entry.checking);
    const result = run(this.#compare(entry));
    if (!(result instanceof Promise)) return result && this.#cache.confirm(entry);
    entry.checking = result.then((isSame) => isSame && this.#cache.confirm(entry));
    try {
      return yield* wait(entry.checking);
    } finally {
      entry.checking = undefined;
    }
  }

  *#compare(entry: Entry): Steps<boolean> {
    for (const { path: probed, found } of entry.probes) {
      const seen = yield* wait(this.#files.look(probed));
      if (!isSameFinding(found, seen)) return false;
    }
    return true;
  }

  /** Resolves and reads; the entry comes with one reference for the caller. */
  *#load(target: TargetPath): Steps<Entry> {
    for (let attempt = 1; ; attempt++) {
      const lookup = new Lookup(this.#files);
      let resolution = yield* resolve(target, lookup, this.options);
      if (resolution.kind === "refused" && resolution.status === 503) {
        this.#cache.dropFiles();
        resolution = yield* resolve(target, lookup, this.options);
      }
      const entry = yield* this.#entryOf(target, resolution, lookup, attempt === UNSTEADY_MAX);
      if (entry === undefined) continue;
      entry.isWatchable = !lookup.isLinked;
      entry.retain();
      this.#keep(entry);
      return entry;
    }
  }

  /** Gives the cache its reference, or gives it back. */
  #keep(entry: Entry): void {
    if (this.#isClosed || !entry.isCacheable || !this.#cache.accepts(entry)) {
      entry.release();
      return;
    }
    if (entry.isRefusal) this.#cache.addRefusal(entry);
    else this.#cache.add(entry);
    // What happened between the first look and the first watch is in no event.
    if (entry.watchState === "new" && this.#files.isSynchronous) {
      if (run(this.#compare(entry)) === true) this.#cache.confirm(entry);
      else this.#cache.drop(entry);
    }
  }

  *#entryOf(
    target: TargetPath,
    resolution: Resolution,
    lookup: Lookup,
    isLast: boolean,
  ): Steps<Entry | undefined> {
    const { canonical } = target;
    switch (resolution.kind) {
      case "file": {
        const source = {
          target: canonical,
          path: resolution.path,
          file: resolution.file,
          probes: lookup.probes,
        };
        const context = { options: this.options, files: this.#files, memory: this.#memory };
        return yield* FileEntry.make(source, context, isLast);
      }
      case "redirect":
        return new RedirectEntry(canonical, lookup.probes, resolution.location);
      case "directory":
        return new RefusedEntry(canonical, lookup.probes, 403);
      case "refused":
        return new RefusedEntry(canonical, lookup.probes, resolution.status);
    }
  }
}

/**
 * Serves a directory below a path prefix.
 *
 * @param prefix `"/"`, or as `"/assets"`: begins with a slash, ends without
 * @param dir the directory; a relative one is below the working directory
 * @throws {StaticError} for a prefix, directory or option that cannot be used
 * @example
 * ```ts
 * app.mount(staticMount("/assets", "./public", { maxAge: 3600 }));
 * ```
 */
export function staticMount(prefix: string, dir: string, options: StaticOptions = {}): StaticMount {
  return new StaticMount(prefix, dir, options);
}

const QUESTION_MARK = 0x3f;

function queryOf(target: string): string {
  const mark = target.indexOf("?");
  return mark < 0 ? "" : target.slice(mark);
}

/** Empty segments, or a prefix without the slash that relative links need. */
function isMisspelled(target: TargetPath, prefix: string): boolean {
  return target.raw.includes("//") || (target.raw === prefix && prefix !== "/");
}

/** An answer takes a reference of its own; the caller's goes back. */
function answerAndRelease(entry: Entry, request: PlanRequest): MaybePromise<ResponsePlan> {
  const plan = entry.answer(request);
  if (!(plan instanceof Promise)) {
    entry.release();
    return plan;
  }
  return plan.finally(() => entry.release());
}

function isSameFinding(a: Entry["probes"][number]["found"], b: Entry["probes"][number]["found"]): boolean {
  return typeof a === "string" || typeof b === "string" ? a === b : isSame(a, b);
}

function checkPrefix(prefix: string): string {
  const canonical = typeof prefix === "string" ? parseTarget(prefix, "/") : "malformed";
  const isGood =
    typeof canonical === "object" &&
    canonical.canonical === prefix &&
    !prefix.includes("?") &&
    (prefix === "/" || !prefix.endsWith("/"));
  if (isGood) return prefix;
  throw new StaticError(
    "TZ_STATIC_PREFIX",
    `prefix must be "/" or a path as "/assets", percent-encoded, without a slash at its end, got ${JSON.stringify(prefix)}`,
  );
}

function checkRoot(dir: string): string {
  const root = path.resolve(dir);
  let reason: string;
  try {
    if (statSync(root).isDirectory()) return root;
    reason = "is not a directory";
  } catch (error) {
    reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : "cannot be read";
  }
  throw new StaticError("TZ_STATIC_ROOT", `${JSON.stringify(dir)} ${reason}`);
}
