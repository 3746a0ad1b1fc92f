/** The entry of a path that is a file: which of its forms a client gets. */
import { FIELD, type PlanRequest, type ResponsePlan } from "@tz/http1";
import { ENTRY_OVERHEAD_BYTES, Entry, type Probe } from "../cache/entry.js";
import { canCompress, decompressor } from "../negotiate/coders.js";
import { type Compression, type ContentCoding, chooseCoding } from "../negotiate/coding.js";
import type { ManifestFile, ResolvedCompress, ResolvedOptions } from "../options.js";
import { snapshot } from "../request-snapshot.js";
import type { FileStatus, OpenedFile } from "../resolve/file-system.js";
import type { MaybePromise, Steps } from "../steps.js";
import { errorPlan } from "./error-pages.js";
import { mergeFields } from "./field-list.js";
import { describeFile } from "./file-description.js";
import { CONDITIONAL_OR_RANGE_MASK, type Form } from "./form.js";
import { type FormContext, FormMaker } from "./form-maker.js";
import { type FormOwner, FormSet, type StoredForm } from "./form-set.js";
import { type LoadedFile, loadFile } from "./loaded-file.js";
import { within } from "./patience.js";
import { chunksOf, decoded } from "./segment-reader.js";
import { HASH_WAIT_MS, WANT_DIGEST_MASK, WantedDigests } from "./wanted-digests.js";

/**
 * A change within this time of the last one may leave the file's time as it was: the kernel's clock ticks every
 * 4 ms or 10 ms.
 */
const RACY_MS = 50;

const NOTHING: readonly string[] = [];
const IDENTITY_ONLY: readonly ContentCoding[] = ["identity"];

export interface Sidecar {
  readonly coding: Compression;
  readonly file: OpenedFile;
}

export interface FileSource {
  readonly target: string;
  /** Below the root: decides the type. */
  readonly path: string;
  /** `undefined` when only compressed forms of it exist. */
  readonly file: OpenedFile | undefined;
  /** In the server's order of preference. */
  readonly sidecars: readonly Sidecar[];
  readonly probes: readonly Probe[];
  readonly known: ManifestFile | undefined;
  /** Asked for by a name that holds the hash of its content. */
  readonly isAddressed: boolean;
}

export interface FileEntryContext extends FormContext {
  /** Memory for answers that nobody has, in bytes; what is left for small files is not counted. */
  readonly spareBytes: () => number;
  /** So much of it is taken by a file that is being read, or no longer. */
  readonly promise: (bytes: number) => void;
  /** The entry takes more or less memory than before. */
  readonly onResized: (entry: Entry, byBytes: number) => void;
}

export class FileEntry extends Entry implements FormOwner {
  readonly #context: FileEntryContext;
  readonly #maker: FormMaker;
  /** What a client can be given, in the server's order of preference; `identity` is last. */
  readonly #codings: readonly ContentCoding[];
  readonly #forms: FormSet;
  #digests: WantedDigests | undefined;
  #overheadBytes = ENTRY_OVERHEAD_BYTES;

  private constructor(
    source: FileSource,
    context: FileEntryContext,
    loaded: ReadonlyMap<ContentCoding, LoadedFile>,
  ) {
    super(source.target, source.probes);
    const { options } = context;
    const { path, known, isAddressed } = source;
    const identity = loaded.get("identity");
    this.#context = context;
    const mayVary = loaded.size > 1 || identity === undefined || options.compress !== false;
    const plain = describeFile(path, options, NOTHING, known, isAddressed);
    this.#codings = mayVary ? codingsOf(loaded, plain.mediaType, options) : IDENTITY_ONLY;
    const description =
      this.#codings.length > 1 ? describeFile(path, options, ["Accept-Encoding"], known, isAddressed) : plain;
    this.#maker = new FormMaker(context, description, known);
    this.#forms = new FormSet(this, this.#maker);
    for (const [coding, file] of loaded) {
      if (file.fd >= 0) this.openFiles++;
      this.#forms.addFile(coding, file);
    }
    this.isCacheable = identity?.isSteady ?? true;
    this.isRacy = [...loaded.values()].some(({ status }) => isRecent(status));
    this.variesOn =
      CONDITIONAL_OR_RANGE_MASK |
      (this.#codings.length > 1 ? 1 << FIELD.acceptEncoding : 0) |
      (options.digest === false ? 0 : WANT_DIGEST_MASK) |
      (options.cors === false || options.cors.origins === "*" ? 0 : 1 << FIELD.origin);
  }

  /**
   * Takes over the opened files: small ones are read and closed, large ones stay open. `undefined` when the file
   * changed while it was read: the caller looks again, unless this was its last look.
   */
  static *make(source: FileSource, context: FileEntryContext, isLast: boolean): Steps<FileEntry | undefined> {
    const { files, options } = context;
    const loaded = new Map<ContentCoding, LoadedFile>();
    const rest: (readonly [ContentCoding, OpenedFile])[] = [];
    for (const { coding, file } of source.sidecars) rest.push([coding, file]);
    if (source.file !== undefined) rest.push(["identity", source.file]);
    let isGood = true;
    let promised = 0;
    try {
      for (let next = rest.shift(); isGood && next !== undefined; next = rest.shift()) {
        const [coding, file] = next;
        const maxBytes = maxBodyBytes(options, context.spareBytes());
        const { byteLength } = file.status;
        if (byteLength <= maxBytes) {
          // Others that are read meanwhile do not get the same memory.
          promised += byteLength;
          context.promise(byteLength);
        }
        const one = yield* loadFile(files, file, maxBytes, rest.length > 0);
        if (one.isSteady || (isLast && coding === "identity")) loaded.set(coding, one);
        else isGood = isLast;
        // Not one further: whoever takes one out of the rest closes it.
        if (!isGood) break;
      }
    } finally {
      context.promise(-promised);
    }
    if (isGood && loaded.size > 0) return new FileEntry(source, context, loaded);
    for (const [, file] of rest) files.closeFile(file.fd);
    for (const { fd } of loaded.values()) if (fd >= 0) files.closeFile(fd);
    return undefined;
  }

  override answer(request: PlanRequest, own?: readonly string[]): MaybePromise<ResponsePlan | undefined> {
    const coding = this.#choose(request);
    if (coding === undefined) return this.#notAcceptable(request, own);
    const stored = this.#forms.get(coding);
    return stored === undefined
      ? this.#answerWhenMade(coding, snapshot(request), own)
      : this.#answerStored(stored, request, own);
  }

  #notAcceptable(request: PlanRequest, own: readonly string[] = []): ResponsePlan {
    const fields = mergeFields([...this.#context.rules.refusalFields], own);
    return errorPlan(request, 406, mergeFields(fields, ["Vary", "Accept-Encoding"]));
  }

  /** The form that every client can read, for those who send it under another status. */
  get anyForm(): Form | undefined {
    return this.#forms.get("identity")?.form;
  }

  override isIntact(): boolean {
    return this.openFiles === 0 || this.#forms.areFilesUnchanged();
  }

  protected override dispose(): void {
    this.#forms.dispose();
  }

  #choose(request: PlanRequest): ContentCoding | undefined {
    const codings = this.#codings;
    if (codings.length === 1) return codings[0];
    const isUseful = (coding: ContentCoding): boolean =>
      coding === "identity" || !this.#forms.isUseless(coding);
    return chooseCoding(
      request.field(FIELD.acceptEncoding),
      codings.every(isUseful) ? codings : codings.filter(isUseful),
    );
  }

  /** @internal */
  onFormChanged({ coding, form }: StoredForm, byBytes: number): void {
    const before = this.costBytes;
    this.costBytes += byBytes;
    // The entry's own overhead is that of its first form.
    const overheadBytes = this.#forms.size * ENTRY_OVERHEAD_BYTES;
    if (this.#overheadBytes < overheadBytes) {
      this.costBytes += overheadBytes - this.#overheadBytes;
      this.#overheadBytes = overheadBytes;
    }
    if (coding === "identity") {
      this.plainGet = form.getPlan;
      this.plainHead = undefined;
    }
    this.#context.onResized(this, this.costBytes - before);
  }

  #answerStored(
    stored: StoredForm,
    request: PlanRequest,
    own: readonly string[] | undefined,
  ): MaybePromise<ResponsePlan | undefined> {
    const { fieldMask } = request;
    if (stored.hashing !== undefined && (fieldMask & HASH_MASK) !== 0) {
      return this.#answerWhenHashed(stored, snapshot(request), own);
    }
    if (this.#context.options.digest !== false && (fieldMask & WANT_DIGEST_MASK) !== 0) {
      return this.#answerWithDigests(stored, snapshot(request), own);
    }
    // The first plain HEAD makes the plan for all that follow.
    if (stored.coding === "identity" && request.method === "HEAD") this.plainHead = stored.form.headPlan;
    return stored.form.answer(request, own);
  }

  async #answerWithDigests(
    stored: StoredForm,
    request: PlanRequest,
    own: readonly string[] | undefined,
  ): Promise<ResponsePlan | undefined> {
    this.#digests ??= new WantedDigests(this.#forms, this.#maker, this.#context.options.maxRanges);
    const plan = await this.#digests.answer(stored, request, own);
    if (this.isIntact()) return plan;
    plan.release?.();
    return undefined;
  }

  async #answerWhenHashed(
    { coding, hashing }: StoredForm,
    request: PlanRequest,
    own: readonly string[] | undefined,
  ): Promise<ResponsePlan | undefined> {
    if (hashing !== undefined) await within(hashing, HASH_WAIT_MS);
    if (!this.isIntact()) return undefined;
    const stored = this.#forms.get(coding)!;
    return this.#answerStored({ ...stored, hashing: undefined }, request, own);
  }

  /** The form that the client likes best is not there yet: it waits a moment, then gets another. */
  async #answerWhenMade(
    coding: ContentCoding,
    request: PlanRequest,
    own: readonly string[] | undefined,
  ): Promise<ResponsePlan | undefined> {
    const { compress } = this.#context.options;
    const making = this.#forms.make(coding);
    // There is nothing else to give to a client that cannot read what we have.
    const isPatient = coding === "identity" || compress === false;
    const made = await (isPatient ? making : within(making, compress.waitMs));
    if (!this.isIntact()) return undefined;
    const stored = made ?? this.#forms.get("identity");
    return stored === undefined
      ? this.#streamIdentity(request, own)
      : this.#answerStored(stored, request, own);
  }

  /** Only a compressed form exists, it is large, and the client cannot read it. */
  #streamIdentity(request: PlanRequest, own: readonly string[] = []): ResponsePlan {
    const { first, isBroken } = this.#forms;
    // Before the head: behind a 200 the client would be told by a cut.
    if (isBroken) return errorPlan(request, 500, mergeFields([...this.#context.rules.refusalFields], own));
    const decoder = first && decompressor(first.coding as Compression);
    if (first === undefined || decoder === undefined) return this.#notAcceptable(request, own);
    const fields = [...this.#maker.streamFields(first.status), ...own];
    return first.form.answerWith(request, 200, fields, (body) => ({
      kind: "stream",
      length: undefined,
      chunks: decoded(chunksOf(body), decoder),
    }));
  }
}

/** Larger files than `maxEntryBytes` come into memory that is spare: from there 1 MB costs 0.34 of what `sendfile` takes. */
const SPARE_FACTOR = 4;
/** The part of the memory that one of those may take. */
const SPARE_PARTS = 8;

/** What would throw half of the others out is left on disk. Without a cache it is only read and sent. */
function maxBodyBytes({ cache }: ResolvedOptions, spareBytes: number): number {
  const { bytes, maxEntryBytes } = cache;
  if (bytes === 0) return maxEntryBytes;
  return Math.max(
    Math.min(maxEntryBytes, bytes / 2),
    Math.min(maxEntryBytes * SPARE_FACTOR, bytes / SPARE_PARTS, spareBytes),
  );
}

/** What can be given: what is there, what can be made of it, and `identity` at last. */
function codingsOf(
  loaded: ReadonlyMap<ContentCoding, LoadedFile>,
  mediaType: string,
  options: ResolvedOptions,
): ContentCoding[] {
  const codings = [...loaded.keys()].filter((coding) => coding !== "identity");
  const identity = loaded.get("identity");
  const { compress: rules } = options;
  if (rules !== false && identity?.isSteady === true && isCompressible(identity.status, mediaType, rules)) {
    for (const coding of rules.encodings) {
      if (canCompress(coding) && !codings.includes(coding)) codings.push(coding);
    }
  }
  return [...codings, "identity"];
}

function isCompressible(status: FileStatus, mediaType: string, rules: ResolvedCompress): boolean {
  if (status.byteLength < rules.minBytes || status.byteLength > rules.maxBytes) return false;
  const type = mediaType.replace(/\s*;.*$/, "").toLowerCase();
  return rules.types.includes(type) || rules.types.includes(`${type.slice(0, type.indexOf("/"))}/*`);
}

function isRecent({ mtimeSeconds, mtimeNanoseconds }: FileStatus): boolean {
  return Date.now() - (mtimeSeconds * 1000 + mtimeNanoseconds / 1e6) < RACY_MS;
}

/** Would the answer be another once the file's hash is known? */
const HASH_MASK = (1 << FIELD.ifNoneMatch) | (1 << FIELD.ifMatch) | (1 << FIELD.ifRange) | WANT_DIGEST_MASK;
