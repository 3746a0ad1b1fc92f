/**
 * A directory behind a prefix: request in, plan out.
 *
 * ```
 *   plan ─▶ cached and fresh? ──────────────────────────────▶ the entry's own plan, the same object each time
 *            │ no
 *            ▼
 *           target ─▶ policy ─▶ entry: cached, being loaded, or loaded now ─▶ answer(request)
 *                                                  │
 *                                       resolve ─▶ read ─▶ cache, watch
 * ```
 */
import { statSync } from "node:fs";
import path from "node:path";
import type { MemoryStatistics } from "@tz/alloc";
import {
  FIELD,
  type PlanMount,
  type PlanRequest,
  ResponseHead,
  type ResponsePlan,
  type SharedPart,
} from "@tz/http1";
import { hasOpenat2, isSupported } from "@tz/sys";
import { AnswerCache, type CacheStats } from "./cache/answer-cache.js";
import type { Entry } from "./cache/entry.js";
import { CoarseClock } from "./coarse-clock.js";
import { ColdAnswers, mayAnswerCold } from "./cold/cold-answers.js";
import { EntryLoader } from "./entry-loader.js";
import { StaticError } from "./errors.js";
import { loadManifest } from "./load-manifest.js";
import { weightOfType } from "./negotiate/accept.js";
import { corsFields, isSameForAll, preflightPlan } from "./negotiate/cors.js";
import { Observation } from "./observation.js";
import { type ResolvedOptions, resolveOptions, type StaticOptions } from "./options.js";
import { snapshot } from "./request-snapshot.js";
import type { FileSystem } from "./resolve/file-system.js";
import { NodeFileSystem } from "./resolve/node-file-system.js";
import { isDenied, judgePath } from "./resolve/path-policy.js";
import { SysFileSystem } from "./resolve/sys-file-system.js";
import { encodeSegment, parseTarget, type TargetPath } from "./resolve/target.js";
import { type AnswerMemory, heapMemory, RegionMemory } from "./respond/answer-memory.js";
import { errorPlan } from "./respond/error-pages.js";
import { fieldIn, mergeFields } from "./respond/field-list.js";
import { addFields } from "./respond/file-description.js";
import { FileEntry } from "./respond/file-entry.js";
import { RefusedEntry, redirectPlan } from "./respond/fixed-entries.js";
import { type SharedAnswerStats, SharedAnswers } from "./respond/shared-answers.js";
import { type MaybePromise, run } from "./steps.js";
import { inotify } from "./watch/inotify-hub.js";
import { WatchTree } from "./watch/watch-tree.js";

const ALLOW = ["Allow", "GET, HEAD, OPTIONS"] as const;

/** How often a request begins anew because the file changed while something was waited for. */
const ATTEMPTS_MAX = 3;

/** The resolution of the clock on the hot path, as a part of the period that it measures. */
const CLOCK_PARTS = 10;
const CLOCK_RESOLUTION_MS_MAX = 100;

/** What adapters of ours look for in a plan. */
export interface StaticPlan extends ResponsePlan {
  /** May the next middleware answer instead? Not given: when the status is 404 or 405. */
  readonly mayPass?: boolean;
}

export interface StaticStats extends CacheStats {
  /** Plans made in all. */
  readonly requests: number;
  /** Of these, from the cache without asking the file system. */
  readonly hits: number;
  /** Directories that are watched. */
  readonly watches: number;
  /** What all workers keep together; `undefined` when this process shares nothing. */
  readonly shared: SharedAnswerStats | undefined;
}

export class StaticMount implements PlanMount {
  readonly prefix: string;
  readonly options: ResolvedOptions;
  readonly #files: FileSystem;
  readonly #cache: AnswerCache;
  readonly #memory: AnswerMemory;
  readonly #shared: SharedAnswers | undefined;
  readonly #tree: WatchTree | undefined;
  readonly #loader: EntryLoader;
  readonly #observation: Observation;
  /** The short way for files that are not kept. */
  readonly #cold: ColdAnswers | undefined;
  /** What the options add to answers that are no file. */
  readonly #refusalFields: readonly string[];
  readonly #optionsPlan: ResponsePlan;
  #requests = 0;
  #hits = 0;
  #isClosed = false;

  /** @internal Use {@link staticMount}. */
  constructor(prefix: string, dir: string, given: StaticOptions) {
    this.prefix = checkPrefix(prefix);
    const options = resolveOptions(given);
    this.options = options;
    const root = checkRoot(dir);
    const known = loadManifest(options.manifest);
    const { revalidateMs } = options;
    this.#observation = new Observation(this.prefix, options);
    const resolutionMs = Math.min(CLOCK_RESOLUTION_MS_MAX, revalidateMs / CLOCK_PARTS);
    const clock = options.clock ?? new CoarseClock(resolutionMs);
    const hasSys = options.sys === "auto" && isSupported().supported;
    if (hasSys && hasOpenat2()) {
      const files = new SysFileSystem(root, options.symlinks, {
        now: () => clock.now(),
        rootCheckMs: revalidateMs,
      });
      this.#files = files;
      if (mayAnswerCold(options)) this.#cold = new ColdAnswers(files, this.prefix, options, known.files);
    } else {
      this.#files = new NodeFileSystem(root, options.symlinks);
    }
    // Without belief there is nothing to watch for.
    if (hasSys && options.watch && revalidateMs > 0) {
      this.#tree = new WatchTree({
        root,
        source: inotify,
        now: () => clock.now(),
        onChanged: (entry) => this.#cache.drop(entry),
        onRootMoved: () => this.#files.forgetRoot(),
        onExhausted: () => this.#observation.warn({ kind: "watches-exhausted" }),
      });
    }
    this.#cache = new AnswerCache(options, clock, this.#tree);
    this.#shared = hasSys ? new SharedAnswers(new RegionMemory()) : undefined;
    this.#memory = this.#shared ?? heapMemory;
    this.#refusalFields = fieldsOfRefusals(options);
    this.#loader = new EntryLoader({
      options,
      refusalFields: this.#refusalFields,
      files: this.#files,
      memory: this.#memory,
      cache: this.#cache,
      known,
      observation: this.#observation,
    });
    this.#optionsPlan = {
      head: new ResponseHead(204, mergeFields([...ALLOW], this.#refusalFields)),
      body: { kind: "none" },
    };
  }

  /**
   * The answer to a request whose target lies below the prefix. Synchronous when nothing has to be waited for;
   * never throws or rejects for anything that a request or the file system does.
   */
  plan(request: PlanRequest): MaybePromise<StaticPlan> {
    this.#requests++;
    return this.#observation.isWatched ? this.#planWatched(request) : this.#plan(request);
  }

  get stats(): StaticStats {
    return {
      requests: this.#requests,
      hits: this.#hits,
      watches: this.#tree?.watches ?? 0,
      shared: this.#shared?.stats,
      ...this.#cache.stats,
    };
  }

  /** The memory of cached answers, in the form of `@tz/alloc`; none where they lie in the engine's heap. */
  statistics(): MemoryStatistics[] {
    const found = this.#memory.statistics?.();
    return found === undefined ? [] : [found];
  }

  /** Answers that the workers of a server keep together, with `cache.shared`. */
  shared(workers: number): Promise<SharedPart | undefined> | undefined {
    return this.#shared?.part(this.options, workers);
  }

  /**
   * To the root of the mount, for a router that has its own path without a slash at the end.
   * @internal
   */
  redirectToRoot(request: PlanRequest, location: string): ResponsePlan | undefined {
    const { trailingSlash } = this.options;
    return trailingSlash === "never" || trailingSlash === "ignore"
      ? undefined
      : redirectPlan(location, request.target, this.#errorFields(request));
  }

  /** Forgets every cached answer. */
  clear(): void {
    this.#cache.clear();
  }

  /** Frees memory, descriptors and watches. Plans that were handed out stay good until they are released. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#loader.close();
    this.#cache.clear();
    this.#tree?.close();
    this.#cold?.close();
    this.#files.close();
    this.#memory.close();
  }

  #plan(request: PlanRequest): MaybePromise<StaticPlan> {
    const { method } = request;
    const isGet = method === "GET";
    if (isGet || method === "HEAD") {
      if (isGet && this.#cold !== undefined) {
        const plan = this.#cold.plan(request);
        if (plan !== undefined) return plan;
      }
      const entry = this.#find(request);
      if (
        entry !== undefined &&
        (this.#cache.isFresh(entry) || this.#loader.isUnchangedNow(entry)) &&
        entry.isIntact()
      ) {
        this.#hits++;
        if ((request.fieldMask & entry.variesOn) === 0) {
          const plan = isGet ? entry.plainGet : entry.plainHead;
          if (plan !== undefined) {
            plan.retain();
            return plan;
          }
        }
        entry.retain();
        return this.#answerOnce(entry, request);
      }
      return this.#planCold(request);
    }
    if (method === "OPTIONS") {
      const { cors } = this.options;
      return (cors === false ? undefined : preflightPlan(cors, request)) ?? this.#optionsPlan;
    }
    return this.#refuse(request, 405, ALLOW);
  }

  #planWatched(request: PlanRequest): MaybePromise<StaticPlan> {
    const { method, target } = request;
    const startMs = performance.now();
    this.#observation.request(request);
    const plan = this.#plan(request);
    const served = (made: StaticPlan): StaticPlan => this.#observation.served(made, method, target, startMs);
    return plan instanceof Promise ? plan.then(served) : served(plan);
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

  #planCold(request: PlanRequest, attempt = 1): MaybePromise<StaticPlan> {
    if (this.#isClosed || attempt > ATTEMPTS_MAX) return errorPlan(request, 503, this.#errorFields(request));
    const target = parseTarget(request.target, this.prefix);
    if (target === "elsewhere") return this.#refuse(request, 404);
    if (typeof target === "string") return this.#refuse(request, 400);
    if (this.#isMisspelled(target)) {
      return redirectPlan(target.canonical, request.target, this.#errorFields(request));
    }
    const verdict = judgePath(target.segments, this.options);
    if (verdict === "denied") return passing(false, this.#refuse(request, 404));
    if (verdict === "ignored") return this.#refuseOrFallBack(request, 404, target);
    try {
      const found = run(this.#loader.entryFor(target));
      if (!(found instanceof Promise)) return this.#answerAndRelease(found, request, target, attempt);
      const kept = snapshot(request);
      return found
        .then((entry) => this.#answerAndRelease(entry, kept, target, attempt))
        .catch((error: unknown) => this.#failed(kept, target.path, error));
    } catch (error) {
      return this.#failed(request, target.path, error);
    }
  }

  /** Empty segments, or a prefix without the slash that relative links need. */
  #isMisspelled({ raw }: TargetPath): boolean {
    if (raw.includes("//")) return true;
    return raw === this.prefix && this.prefix !== "/" && this.options.trailingSlash !== "ignore";
  }

  /** A callback of the user threw, or we did. */
  #failed(request: PlanRequest, path: string, error: unknown): ResponsePlan {
    this.#observation.warn({ kind: "failed", path, error });
    return errorPlan(request, 500, this.#errorFields(request));
  }

  #answerAndRelease(
    entry: Entry,
    request: PlanRequest,
    target: TargetPath,
    attempt: number,
  ): MaybePromise<StaticPlan> {
    if (!(entry instanceof RefusedEntry)) return this.#answerOnce(entry, request, attempt);
    const { status, isDirectory } = entry;
    entry.release();
    if (isDirectory) return this.#refuseOrFallBack(request, status, target, true);
    if (status === 404 && isDenied(target.path, this.options))
      return passing(false, this.#refuse(request, status));
    return this.#refuseOrFallBack(request, status, target);
  }

  /** Gives the caller's reference back once there is a plan, which has its own. */
  #answerOnce(entry: Entry, request: PlanRequest, attempt = 1): MaybePromise<StaticPlan> {
    const own = this.#ownFields(request);
    const plan = entry.answer(request, own.length === 0 ? undefined : own);
    if (!(plan instanceof Promise)) {
      entry.release();
      return plan ?? this.#planCold(request, attempt + 1);
    }
    const kept = snapshot(request);
    return plan
      .then((made) => made ?? this.#planCold(kept, attempt + 1))
      .catch((error: unknown) => this.#failed(kept, entry.target, error))
      .finally(() => entry.release());
  }

  /** What an answer that is no file carries. */
  #errorFields(request: PlanRequest): readonly string[] {
    const own = this.#ownFields(request);
    return own.length === 0 ? this.#refusalFields : mergeFields([...this.#refusalFields], own);
  }

  /** Fields for this request alone. */
  #ownFields(request: PlanRequest): readonly string[] {
    const { cors } = this.options;
    return cors === false || isSameForAll(cors) ? [] : corsFields(cors, request.field(FIELD.origin));
  }

  /** A navigation to a path that is no file is the application's to answer (RFC 9110 has no word for it). */
  #refuseOrFallBack(
    request: PlanRequest,
    status: number,
    target: TargetPath,
    isDirectory = false,
  ): MaybePromise<StaticPlan> {
    const { spaFallback } = this.options;
    const refuse = (kept: PlanRequest): MaybePromise<StaticPlan> =>
      isDirectory ? passing(true, this.#refuse(kept, status)) : this.#refuse(kept, status);
    const isOurs = isDirectory ? !isDenied(target.path, this.options) : status === 404;
    if (spaFallback === false || !isOurs || !isNavigation(request, target)) return refuse(request);
    return this.#withFile(spaFallback, request, (entry, kept) => {
      if (entry === undefined) return refuse(kept);
      const plan = entry.answer(kept, [...this.#ownFields(kept), "Vary", "Accept"]);
      const orBusy = (made: ResponsePlan | undefined): StaticPlan =>
        made ?? errorPlan(kept, 503, this.#errorFields(kept));
      return plan instanceof Promise ? plan.then(orBusy) : orBusy(plan);
    });
  }

  #refuse(request: PlanRequest, status: number, extra: readonly string[] = []): MaybePromise<StaticPlan> {
    const common = this.#errorFields(request);
    const fields = common.length === 0 ? extra : mergeFields([...common], extra);
    const page = this.options.errorPages.get(status);
    if (page === undefined) return errorPlan(request, status, fields);
    return this.#withFile(page, request, (entry, kept) => {
      const form = entry?.anyForm;
      if (form === undefined) return errorPlan(kept, status, fields);
      const { mediaType, byteLength } = form.representation;
      const head = ["Content-Type", mediaType, "Content-Length", String(byteLength), ...fields];
      return form.answerWith(kept, status, head);
    });
  }

  /** A file of the mount's own choice: the rules about names are for clients. */
  #withFile(
    below: string,
    request: PlanRequest,
    use: (entry: FileEntry | undefined, request: PlanRequest) => MaybePromise<StaticPlan>,
  ): MaybePromise<StaticPlan> {
    const base = this.prefix === "/" ? "" : this.prefix;
    const target = parseTarget(`${base}/${below.split("/").map(encodeSegment).join("/")}`, this.prefix);
    if (typeof target === "string") return use(undefined, request);
    const then = (entry: Entry, kept: PlanRequest): MaybePromise<StaticPlan> => {
      const plan = use(entry instanceof FileEntry ? entry : undefined, kept);
      if (plan instanceof Promise) return plan.finally(() => entry.release());
      entry.release();
      return plan;
    };
    const found = run(this.#loader.entryFor(target, "as it is"));
    if (!(found instanceof Promise)) return then(found, request);
    const kept = snapshot(request);
    return found
      .then((entry) => then(entry, kept))
      .catch((error: unknown) => this.#failed(kept, target.path, error));
  }
}

/**
 * Serves a directory below a path prefix.
 *
 * @param prefix `"/"`, or as `"/assets"`: begins with a slash, ends without
 * @param dir the directory; a relative one is below the working directory
 * @throws {StaticError} for a prefix, directory, manifest or option that cannot be used
 * @example
 * ```ts
 * app.mount(staticMount("/assets", "./public", { maxAge: 3600 }));
 * ```
 */
export function staticMount(prefix: string, dir: string, options: StaticOptions = {}): StaticMount {
  return new StaticMount(prefix, dir, options);
}

const QUESTION_MARK = 0x3f;

function passing(mayPass: boolean, plan: MaybePromise<StaticPlan>): MaybePromise<StaticPlan> {
  const mark = (made: StaticPlan): StaticPlan => ({
    head: made.head,
    body: made.body,
    release: () => made.release?.(),
    mayPass,
  });
  return plan instanceof Promise ? plan.then(mark) : mark(plan);
}

/** Somebody typed an address or followed a link: HTML is asked for by name, and no file is. */
function isNavigation(request: PlanRequest, target: TargetPath): boolean {
  const accept = request.field(FIELD.accept);
  if (accept === undefined || target.segments.at(-1)?.includes(".") === true) return false;
  return /(?:^|,)\s*text\/html\b/i.test(accept) && weightOfType(accept, "text/html") > 0;
}

function fieldsOfRefusals(options: ResolvedOptions): readonly string[] {
  const fields: string[] = [];
  addFields(fields, "", { ...options, headers: undefined });
  // The page of a refusal has a stricter policy of its own.
  return fieldIn(fields, "content-security-policy") === undefined
    ? fields
    : fields.filter((_, i) => fields[i - (i % 2)]!.toLowerCase() !== "content-security-policy");
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
