/**
 * A directory of images that go out as AVIF or WebP to who reads it, and in widths that are allowed.
 *
 * ```
 *   plan ─▶ an image, another form wanted? ──no──▶ the mount of the directory, with Vary: Accept
 *            │ yes
 *            ▼
 *           HEAD of the source: may it be served at all, and which version is it?
 *            │
 *            ▼
 *           kept on disk? ──yes──▶ a mount of the cache directory: validators, ranges, memory, sendfile
 *            │ no
 *            ▼
 *           convert once, off the loop; who cannot wait gets the image as it is
 * ```
 *
 * The source is read through a mount with the same rules, so links, dotfiles and denied paths stay what they are.
 */
import path from "node:path";
import { FIELD, type PlanMount, type PlanRequest, type ResponsePlan } from "@tz/http1";
import { StaticError } from "../errors.js";
import { type StaticMount, type StaticPlan, staticMount } from "../mount.js";
import { Observation } from "../observation.js";
import { type FieldMap, resolveOptions, type StaticOptions } from "../options.js";
import { snapshot } from "../request-snapshot.js";
import { parseTarget } from "../resolve/target.js";
import { errorPlan } from "../respond/error-pages.js";
import { fieldIn } from "../respond/field-list.js";
import { JobQueue } from "../respond/job-queue.js";
import { within } from "../respond/patience.js";
import { chunksOf } from "../respond/segment-reader.js";
import type { MaybePromise } from "../steps.js";
import { type Convert, loadConverter } from "./converter.js";
import { ImageStore } from "./image-store.js";
import { type ImageOptions, type ResolvedImageOptions, resolveImageOptions } from "./options.js";
import { nameOf, sourceFormatOf, type Variant, variantFor, widthOf } from "./variant.js";

/** Conversions that may wait; beyond, clients get the image as it is. */
const WAITING_MAX = 256;
/** Forms that are known to be of no use, and fields of forms. */
const NOTES_MAX = 20_000;
/** Versions and rights of sources: small answers only. */
const SOURCE_CACHE = { bytes: 8 * 1024 * 1024, maxEntryBytes: 0, fds: 64 } as const;

export interface ImageStats {
  /** Images made since the start. */
  readonly converted: number;
  /** Conversions that failed: broken images, formats that are not what the name says. */
  readonly failed: number;
  /** Of the cache directory. */
  readonly files: number;
  readonly bytes: number;
  readonly evictions: number;
}

interface Wanted {
  /** Of the source, decoded, below the root. */
  readonly path: string;
  /** Of the source, canonical, without query. */
  readonly target: string;
  readonly variant: Variant;
}

interface Source {
  readonly version: string;
  readonly byteLength: number;
}

export class ImageMount implements PlanMount {
  readonly prefix: string;
  readonly #options: ResolvedImageOptions;
  readonly #store: ImageStore;
  readonly #convert: Convert;
  readonly #observation: Observation;
  readonly #queue: JobQueue;
  readonly #base: StaticMount;
  readonly #source: StaticMount;
  readonly #converted: StaticMount;
  readonly #headersOf: (path: string) => FieldMap | undefined;
  readonly #loading = new Map<string, Promise<boolean>>();
  /** Names of forms that would be no better, or that cannot be made of this version. */
  readonly #useless = new Set<string>();
  /** What forms are sent with, by name: as the source is. */
  readonly #fields = new Map<string, FieldMap>();
  #conversions = 0;
  #failures = 0;

  /** @internal Use {@link imageMount}. */
  constructor(
    prefix: string,
    dir: string,
    options: ResolvedImageOptions,
    given: StaticOptions,
    store: ImageStore,
    convert: Convert,
  ) {
    this.prefix = prefix;
    this.#options = options;
    this.#store = store;
    this.#convert = convert;
    this.#queue = new JobQueue(options.concurrency, WAITING_MAX);
    const resolved = resolveOptions(given);
    this.#observation = new Observation(prefix, resolved);
    this.#headersOf = (name) => resolved.headers?.(name);
    this.#base = staticMount(prefix, dir, {
      ...given,
      headers: (name) => {
        const own = this.#headersOf(name);
        return sourceFormatOf(name) === undefined ? own : { ...own, Vary: varyWith(own) };
      },
    });
    const { dotfiles, symlinks, allowExtensions, denyExtensions, allow, deny, maxFileBytes } = given;
    const { revalidateMs, watch, sys, clock } = given;
    const rules = { dotfiles, symlinks, allowExtensions, denyExtensions, allow, deny, maxFileBytes };
    this.#source = staticMount(
      prefix,
      dir,
      present({ ...rules, revalidateMs, watch, sys, clock, cache: SOURCE_CACHE }),
    );
    const { cache, cors, securityHeaders, ranges, maxRanges, throttleBytesPerSecond } = given;
    this.#converted = staticMount(
      prefix,
      options.cacheDir,
      present({
        // What is missing now is made now.
        cache: { ...cache, negativeTtlMs: 0 },
        ...{ cors, securityHeaders, ranges, maxRanges, throttleBytesPerSecond },
        ...{ revalidateMs, watch, sys, clock, symlinks: "deny", index: [], immutable: false },
        headers: (name: string) => this.#fields.get(name),
      }),
    );
  }

  get stats(): ImageStats {
    return { converted: this.#conversions, failed: this.#failures, ...this.#store.stats };
  }

  plan(request: PlanRequest): MaybePromise<StaticPlan> {
    const wanted = this.#wantedBy(request);
    if (wanted === undefined) return this.#base.plan(request);
    if (wanted === "invalid") return errorPlan(request, 400);
    const source = this.#look(wanted);
    if (!(source instanceof Promise)) return this.#planFor(request, wanted, source);
    const kept = snapshot(request);
    return source.then((found) => this.#planFor(kept, wanted, found));
  }

  /** Frees memory, descriptors and watches. Conversions under way are finished; the cache directory stays. */
  close(): void {
    this.#base.close();
    this.#source.close();
    this.#converted.close();
  }

  #wantedBy(request: PlanRequest): Wanted | "invalid" | undefined {
    const { method, target } = request;
    if (method !== "GET" && method !== "HEAD") return undefined;
    const mark = target.indexOf("?");
    const format = sourceFormatOf(mark < 0 ? target : target.slice(0, mark));
    if (format === undefined) return undefined;
    const width = widthOf(target, this.#options.widths);
    if (width === "invalid") return width;
    const variant = variantFor(format, request.field(FIELD.accept), width, this.#options);
    if (variant === undefined) return undefined;
    const parsed = parseTarget(target, this.prefix);
    if (typeof parsed === "string" || parsed.raw.includes("//")) return undefined;
    return { path: parsed.path, target: parsed.canonical, variant };
  }

  /** `undefined`: not to be served, or of no known version. */
  #look({ target }: Wanted): MaybePromise<Source | undefined> {
    const read = (plan: ResponsePlan): Source | undefined => {
      const { status, fields } = plan.head;
      plan.release?.();
      const version = fieldIn(fields, "etag");
      if (status !== 200 || version === undefined) return undefined;
      return { version, byteLength: Number(fieldIn(fields, "content-length")) };
    };
    const plan = this.#source.plan(requestOf("HEAD", target));
    return plan instanceof Promise ? plan.then(read) : read(plan);
  }

  #planFor(request: PlanRequest, wanted: Wanted, source: Source | undefined): MaybePromise<StaticPlan> {
    if (source === undefined || source.byteLength > this.#options.maxSourceBytes) {
      return this.#base.plan(request);
    }
    const name = nameOf(wanted.path, source.version, wanted.variant, this.#options);
    if (this.#store.has(name)) return this.#planKept(request, wanted, source, name);
    const made = this.#made(wanted, source, name);
    if (made === undefined) return this.#base.plan(request);
    const kept = snapshot(request);
    return within(made, this.#options.waitMs).then((isKept) =>
      isKept === true ? this.#planKept(kept, wanted, source, name) : this.#base.plan(kept),
    );
  }

  #planKept(request: PlanRequest, wanted: Wanted, source: Source, name: string): MaybePromise<StaticPlan> {
    const noted = this.#note(wanted, name);
    const target = `${this.prefix === "/" ? "" : this.prefix}/${name}`;
    const orAnew = (plan: StaticPlan, kept: PlanRequest): MaybePromise<StaticPlan> => {
      if (plan.head.status !== 404) return plan;
      // Another process, or somebody, removed it.
      plan.release?.();
      this.#store.forget(name);
      const made = this.#made(wanted, source, name);
      if (made === undefined) return this.#base.plan(kept);
      const again = at(kept, target);
      return made.then(async (isKept) => {
        const second = isKept ? await this.#converted.plan(again) : undefined;
        if (second !== undefined && second.head.status !== 404) return second;
        second?.release?.();
        return this.#base.plan(kept);
      });
    };
    if (noted === undefined) {
      const plan = this.#converted.plan(at(request, target));
      if (!(plan instanceof Promise) && plan.head.status !== 404) return plan;
      const kept = snapshot(request);
      return plan instanceof Promise ? plan.then((found) => orAnew(found, kept)) : orAnew(plan, kept);
    }
    const kept = snapshot(request);
    return noted.then(async () => orAnew(await this.#converted.plan(at(kept, target)), kept));
  }

  /** A form is sent with the fields of its source. */
  #note({ path: source, target }: Wanted, name: string): Promise<void> | undefined {
    if (this.#fields.has(name)) return undefined;
    const note = (plan: ResponsePlan): void => {
      const cacheControl = fieldIn(plan.head.fields, "cache-control");
      plan.release?.();
      if (this.#fields.size >= NOTES_MAX) this.#fields.clear();
      const own = this.#headersOf(source);
      this.#fields.set(name, {
        ...own,
        ...(cacheControl !== undefined && { "Cache-Control": cacheControl }),
        Vary: varyWith(own),
      });
    };
    return Promise.resolve(this.#base.plan(requestOf("HEAD", target))).then(note);
  }

  /** Whether it is kept in the end; `undefined` when nothing is tried. Each form is made once at a time. */
  #made(wanted: Wanted, source: Source, name: string): Promise<boolean> | undefined {
    const loading = this.#loading.get(name);
    if (loading !== undefined) return loading;
    if (this.#useless.has(name) || this.#store.isPaused) return undefined;
    const made = this.#queue
      .run(() => this.#make(wanted, source, name))
      ?.finally(() => this.#loading.delete(name));
    if (made !== undefined) this.#loading.set(name, made);
    return made;
  }

  async #make(
    { target, path: source, variant }: Wanted,
    { version }: Source,
    name: string,
  ): Promise<boolean> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#read(target, version);
    } catch {
      // It changes just now: the next request sees another version.
      return false;
    }
    if (bytes === undefined) return false;
    let converted: Uint8Array | undefined;
    try {
      converted = await this.#convert(bytes, variant);
    } catch (error) {
      this.#failures++;
      this.#observation.warn({ kind: "image-failed", path: source, error });
    }
    if (converted === undefined) {
      if (this.#useless.size >= NOTES_MAX) this.#useless.clear();
      this.#useless.add(name);
      return false;
    }
    this.#conversions++;
    return this.#store.put(name, converted);
  }

  /** The whole of a source, if it is still of that version. */
  async #read(target: string, version: string): Promise<Uint8Array | undefined> {
    const plan = await this.#source.plan(requestOf("GET", target));
    try {
      if (plan.head.status !== 200 || fieldIn(plan.head.fields, "etag") !== version) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of chunksOf(plan.body)) chunks.push(chunk.slice());
      return Buffer.concat(chunks);
    } finally {
      plan.release?.();
    }
  }
}

/**
 * Serves a directory of images below a path prefix, converted by `Accept` and to the widths of `?w=`. Everything else
 * in the directory is served as {@link staticMount} does. Needs the package `sharp`.
 *
 * @param prefix `"/"`, or as `"/photos"`
 * @param dir the directory; it is never written to
 * @param images how images are converted and where they are kept
 * @param options of the mount itself
 * @throws {StaticError} for an option, `TZ_STATIC_SHARP` without sharp, `TZ_STATIC_ROOT` when `cacheDir` cannot be used
 * @example
 * ```ts
 * app.mount(await imageMount("/photos", "./photos", { cacheDir: "/var/cache/photos", widths: [320, 640, 1280] }));
 * ```
 */
export async function imageMount(
  prefix: string,
  dir: string,
  images: ImageOptions,
  options: StaticOptions = {},
): Promise<ImageMount> {
  const given = resolveImageOptions(images);
  const resolved = { ...given, cacheDir: path.resolve(given.cacheDir) };
  const convert = await loadConverter(resolved);
  const observation = new Observation(prefix, resolveOptions(options));
  const store = await ImageStore.open({
    directory: resolved.cacheDir,
    maxBytes: resolved.cacheBytes,
    onFull: (error) => observation.warn({ kind: "image-cache-failed", error }),
  }).catch((cause: unknown) => {
    throw cacheDirRefusal(given.cacheDir, cause);
  });
  return new ImageMount(prefix, dir, resolved, options, store, convert);
}

function cacheDirRefusal(cacheDir: string, cause: unknown): StaticError {
  return new StaticError("TZ_STATIC_ROOT", `cacheDir ${JSON.stringify(cacheDir)} cannot be used`, { cause });
}

function varyWith(own: FieldMap | undefined): string {
  const [, before] = Object.entries(own ?? {}).find(([name]) => name.toLowerCase() === "vary") ?? [];
  return before === undefined ? "Accept" : `${before}, Accept`;
}

/** A request of our own, without any field. */
function requestOf(method: string, target: string): PlanRequest {
  return { method, target, minorVersion: 1, fieldMask: 0, field: () => undefined };
}

/** The same request for another target. */
function at(request: PlanRequest, target: string): PlanRequest {
  const { method, minorVersion, fieldMask } = request;
  return { method, target, minorVersion, fieldMask, field: (name) => request.field(name) };
}

/** Without the options that were not given. */
function present(
  options: { readonly [Name in keyof StaticOptions]: StaticOptions[Name] | undefined },
): StaticOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as StaticOptions;
}
