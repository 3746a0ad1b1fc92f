/** Entries for targets: from the cache while they hold, from the file system otherwise, each loaded once at a time. */
import type { AnswerCache } from "./cache/answer-cache.js";
import type { Entry, Probe } from "./cache/entry.js";
import { hashPool } from "./digest/hash-pool.js";
import { DirectoryListing } from "./listing/directory-listing.js";
import { ListingEntry } from "./listing/listing-entry.js";
import type { KnownFiles } from "./load-manifest.js";
import type { Observation } from "./observation.js";
import type { ResolvedListing, ResolvedOptions } from "./options.js";
import { type FileSystem, isSame } from "./resolve/file-system.js";
import { Lookup } from "./resolve/lookup.js";
import { type FoundFile, type Resolution, Resolver } from "./resolve/resolver.js";
import type { TargetPath } from "./resolve/target.js";
import type { AnswerMemory } from "./respond/answer-memory.js";
import { FileEntry, type FileEntryContext } from "./respond/file-entry.js";
import { RedirectEntry, RefusedEntry } from "./respond/fixed-entries.js";
import { run, type Steps, wait } from "./steps.js";

/** How often a file is read that changes meanwhile; what the last read found is sent, and not kept. */
const UNSTEADY_MAX = 3;
/** Stale sidecars that were told of, so that each is told of once. */
const TOLD_MAX = 10_000;

export interface EntryLoaderInit {
  readonly options: ResolvedOptions;
  /** What the options add to answers that are no file. */
  readonly refusalFields: readonly string[];
  readonly files: FileSystem;
  readonly memory: AnswerMemory;
  readonly cache: AnswerCache;
  readonly known: KnownFiles;
  readonly observation: Observation;
}

/** A load under way and how many more than the first wait for it. */
interface Loading {
  waiters: number;
  ready: Promise<Entry>;
}

/** `"as it is"`: the file itself, where a client would be sent to a cleaner address. */
export type LoadMode = "for clients" | "as it is";

export class EntryLoader {
  readonly #init: EntryLoaderInit;
  readonly #cache: AnswerCache;
  readonly #files: FileSystem;
  readonly #fileContext: FileEntryContext;
  readonly #loading = new Map<string, Loading>();
  readonly #told = new Set<string>();
  #isClosed = false;

  constructor(init: EntryLoaderInit) {
    this.#init = init;
    this.#cache = init.cache;
    this.#files = init.files;
    const { options, files, memory } = init;
    this.#fileContext = {
      options,
      files,
      memory,
      rules: {
        maxRanges: options.maxRanges,
        throttleBytesPerSecond: options.throttleBytesPerSecond,
        earlyHints: undefined,
        refusalFields: init.refusalFields,
      },
      // Where workers keep one copy, the budget of each is not for copies of its own.
      spareBytes: () => (memory.isShared === true ? 0 : this.#cache.spareBytes),
      promise: (bytes) => this.#cache.promise(bytes),
      onResized: (entry, byBytes) => this.#cache.resized(entry, byBytes),
    };
  }

  /** A fresh entry for the target, with one reference for the caller. */
  *entryFor(target: TargetPath, mode: LoadMode = "for clients"): Steps<Entry> {
    const key = mode === "as it is" ? `${target.canonical}\t` : target.canonical;
    const cached = this.#cache.findText(key);
    if (cached !== undefined) {
      cached.retain();
      if (cached.isIntact() && (this.#cache.isFresh(cached) || (yield* this.#isUnchanged(cached))))
        return cached;
      this.#files.forgetRoot();
      this.#cache.drop(cached);
      cached.release();
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
    const loaded = run(this.#load(target, key, mode));
    if (!(loaded instanceof Promise)) return loaded;
    return yield* wait(this.#share(key, loaded));
  }

  /** Looks at once where that costs microseconds; elsewhere the cold path looks. */
  isUnchangedNow(entry: Entry): boolean {
    return this.#files.isSynchronous && run(this.#isUnchanged(entry)) === true;
  }

  close(): void {
    this.#isClosed = true;
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
    for (const { path, found } of entry.probes) {
      const seen = yield* wait(this.#files.look(path));
      if (!isSameFinding(found, seen)) return false;
    }
    return true;
  }

  /** Resolves and reads; the entry comes with one reference for the caller. */
  *#load(target: TargetPath, key: string, mode: LoadMode): Steps<Entry> {
    for (let attempt = 1; ; attempt++) {
      const lookup = new Lookup(this.#files);
      let resolution = yield* this.#resolve(target, lookup, mode);
      if (resolution.kind === "refused" && resolution.status === 503) {
        this.#cache.dropFiles();
        resolution = yield* this.#resolve(target, lookup, mode);
      }
      const entry = yield* this.#entryOf(key, resolution, lookup, attempt === UNSTEADY_MAX);
      if (entry === undefined) continue;
      if (lookup.isLinked) entry.isWatchable = false;
      entry.retain();
      this.#keep(entry);
      return entry;
    }
  }

  #resolve(target: TargetPath, lookup: Lookup, mode: LoadMode): Steps<Resolution> {
    const { options, known } = this.#init;
    const rules =
      mode === "as it is"
        ? { ...options, cleanUrls: false, extensions: [], allow: undefined, deny: undefined }
        : options;
    const { names } = known;
    const onStale = (path: string): void => this.#tell("stale-sidecar", path);
    return new Resolver(target, lookup, { options: rules, names, onStale }).resolve();
  }

  /** Warns of a file once. */
  #tell(kind: "stale-sidecar" | "stale-manifest", path: string): void {
    if (this.#told.has(path)) return;
    if (this.#told.size >= TOLD_MAX) this.#told.clear();
    this.#told.add(path);
    this.#init.observation.warn({ kind, path });
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

  *#entryOf(key: string, resolution: Resolution, lookup: Lookup, isLast: boolean): Steps<Entry | undefined> {
    const { options, known, refusalFields } = this.#init;
    const { probes } = lookup;
    switch (resolution.kind) {
      case "file": {
        const { path, file, sidecars, isAddressed = false } = resolution;
        if (isAddressed) {
          const status = isLast ? 503 : yield* wait(this.#statusOfAddressed(resolution));
          if (status !== 200) {
            for (const each of [file, ...sidecars.map((sidecar) => sidecar.file)]) {
              if (each !== undefined) lookup.discard(each);
            }
            return new RefusedEntry(key, probes, status);
          }
        }
        const source = {
          target: key,
          path,
          file,
          sidecars,
          probes,
          known: known.files.get(path),
          isAddressed,
        };
        return yield* FileEntry.make(source, this.#fileContext, isLast);
      }
      case "redirect":
        return new RedirectEntry(key, probes, resolution.location, refusalFields);
      case "directory":
        if (options.listing === false) return new RefusedEntry(key, probes, 403, true);
        return yield* wait(this.#list(key, resolution.path, probes, options.listing));
      case "refused":
        return new RefusedEntry(key, probes, resolution.status);
    }
  }

  /** A name that holds a hash means this content and no other: it is looked at before it is called immutable. */
  async #statusOfAddressed({ path, file }: FoundFile): Promise<200 | 404 | 503> {
    if (file === undefined) return 404;
    const { fd, status } = file;
    const digests = await hashPool.hash({ fd, start: 0, end: status.byteLength }, ["sha-256"]);
    if (digests === undefined) return 503;
    const hash = Buffer.from(digests.get("sha-256") ?? "", "base64").toString("hex");
    if (hash === this.#init.known.files.get(path)?.hash) return 200;
    this.#tell("stale-manifest", path);
    return 404;
  }

  async #list(key: string, path: string, probes: readonly Probe[], rules: ResolvedListing): Promise<Entry> {
    const { options, refusalFields } = this.#init;
    const listing = await DirectoryListing.read(this.#files, path, options);
    if (typeof listing === "string") return new RefusedEntry(key, probes, listing === "missing" ? 404 : 403);
    return new ListingEntry({ target: key, path, listing, probes, refusalFields }, options, rules);
  }
}

function isSameFinding(a: Probe["found"], b: Probe["found"]): boolean {
  return typeof a === "string" || typeof b === "string" ? a === b : isSame(a, b);
}
