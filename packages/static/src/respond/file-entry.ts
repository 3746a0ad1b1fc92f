/** The entry of a path that is a file, in all the forms that it has or can be given. */
import { FIELD, type PlanRequest, type ResponsePlan } from "@tz/http1";
import { ENTRY_OVERHEAD_BYTES, Entry, type Probe } from "../cache/entry.js";
import { hashPool } from "../digest/hash-pool.js";
import { wantedDigest } from "../digest/want-digest.js";
import { parseRange } from "../negotiate/byte-ranges.js";
import { canCompress, compress, decompress, decompressor } from "../negotiate/coders.js";
import { type Compression, type ContentCoding, chooseCoding } from "../negotiate/coding.js";
import type { DigestAlgorithm, ManifestFile, ResolvedCompress, ResolvedOptions } from "../options.js";
import { snapshot } from "../request-snapshot.js";
import type { FileStatus, FileSystem, OpenedFile } from "../resolve/file-system.js";
import type { MaybePromise, Steps } from "../steps.js";
import type { AnswerMemory } from "./answer-memory.js";
import { FileContent } from "./content.js";
import { errorPlan } from "./error-pages.js";
import { describeFile } from "./file-description.js";
import { CONDITIONAL_OR_RANGE_MASK, type Form } from "./form.js";
import { FormMaker } from "./form-maker.js";
import { JobQueue } from "./job-queue.js";
import { type LoadedFile, loadFile } from "./loaded-file.js";
import { within } from "./patience.js";
import { type Digests, digestValue } from "./representation.js";
import { chunksOf, decoded } from "./segment-reader.js";

/** A change within this time of the last one may leave the file's time as it was: the kernel's clock ticks every 4 ms or 10 ms. */
const RACY_MS = 50;
/** How long a client that knows a strong tag, or wants a digest, waits for the hash of a file. */
const HASH_WAIT_MS = 100;
/** Parts up to this size get a Content-Digest when a client wants one. */
const PART_DIGEST_BYTES_MAX = 8 * 1024 * 1024;

/** Compression shares libuv's pool of four with everybody's file reads: half of it. */
const compressing = new JobQueue(2, 256);

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
}

export interface FileEntryContext {
  readonly options: ResolvedOptions;
  readonly files: FileSystem;
  readonly memory: AnswerMemory;
  /** The entry takes more or less memory than before. */
  readonly onResized: (entry: Entry, byBytes: number) => void;
}

interface StoredForm {
  readonly form: Form;
  /** Of the file that it was made from. */
  readonly status: FileStatus;
  /** The hash that its tag and digests wait for. */
  readonly hashing: Promise<void> | undefined;
  /** Digests that some client wanted, once for all. */
  readonly wanted: Map<DigestAlgorithm, Promise<Digests | undefined>>;
}

export class FileEntry extends Entry {
  readonly #context: FileEntryContext;
  readonly #maker: FormMaker;
  /** What a client can be given, in the server's order of preference; `identity` is last. */
  readonly #codings: readonly ContentCoding[];
  readonly #forms = new Map<ContentCoding, StoredForm>();
  /** Forms that are being made. */
  readonly #making = new Map<ContentCoding, Promise<StoredForm | undefined>>();
  /** Codings that make it longer, or that failed. */
  readonly #useless = new Set<ContentCoding>();

  private constructor(
    source: FileSource,
    context: FileEntryContext,
    loaded: ReadonlyMap<ContentCoding, LoadedFile>,
  ) {
    super(source.target, source.probes);
    this.#context = context;
    const { options, files, memory } = context;
    const { path, known } = source;
    const identity = loaded.get("identity");
    const mediaType = describeFile(path, options, [], known).mediaType;
    this.#codings = codingsOf(loaded, mediaType, options);
    const varies = this.#codings.length > 1 ? ["Accept-Encoding"] : [];
    const description = describeFile(path, options, varies, known);
    this.#maker = new FormMaker({ options, files, memory, description, known });
    for (const [coding, file] of loaded) {
      this.#store(coding, storedForm(this.#maker.fromFile(file, coding), file.status));
    }
    this.isCacheable = identity?.isSteady ?? true;
    this.isRacy = [...loaded.values()].some(({ status }) => isRecent(status));
    this.variesOn =
      CONDITIONAL_OR_RANGE_MASK |
      (varies.length > 0 ? 1 << FIELD.acceptEncoding : 0) |
      (options.digest === false ? 0 : (1 << FIELD.wantReprDigest) | (1 << FIELD.wantContentDigest)) |
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
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      const [coding, file] = next;
      const one = yield* loadFile(files, file, maxBodyBytes(options));
      if (one.isSteady || (isLast && coding === "identity")) loaded.set(coding, one);
      else isGood = isLast;
      if (!isGood) break;
    }
    if (isGood && loaded.size > 0) return new FileEntry(source, context, loaded);
    for (const [, file] of rest) files.closeFile(file.fd);
    for (const { fd } of loaded.values()) if (fd >= 0) files.closeFile(fd);
    return undefined;
  }

  override answer(request: PlanRequest, own?: readonly string[]): MaybePromise<ResponsePlan> {
    const { options } = this.#context;
    const coding = this.#choose(request);
    if (coding === undefined) return errorPlan(request, 406, [...(own ?? []), "Vary", "Accept-Encoding"]);
    const stored = this.#forms.get(coding);
    if (stored === undefined) return this.#answerWhenMade(coding, snapshot(request), own);
    if (stored.hashing !== undefined && wantsHash(request)) {
      return this.#answerWhenHashed(coding, stored.hashing, snapshot(request), own);
    }
    if (options.digest !== false && wantsDigest(request)) {
      return this.#answerWithDigests(stored, snapshot(request), own);
    }
    return stored.form.answer(request, own);
  }

  /** The form that every client can read, for those who send it under another status. */
  get anyForm(): Form | undefined {
    return this.#forms.get("identity")?.form;
  }

  override isIntact(): boolean {
    if (this.openFiles === 0) return true;
    for (const { form } of this.#forms.values()) {
      if (form.content instanceof FileContent && !form.content.isUnchanged()) return false;
    }
    return true;
  }

  protected override dispose(): void {
    for (const { form } of this.#forms.values()) form.release();
    this.#forms.clear();
  }

  #choose(request: PlanRequest): ContentCoding | undefined {
    const codings = this.#codings;
    if (codings.length === 1) return codings[0];
    const useful =
      this.#useless.size === 0 ? codings : codings.filter((coding) => !this.#useless.has(coding));
    return chooseCoding(request.field(FIELD.acceptEncoding), useful);
  }

  /** Adds a form, or replaces one; counts its memory; begins to hash it when something waits for that. */
  #store(coding: ContentCoding, stored: StoredForm): StoredForm {
    const before = this.#forms.get(coding);
    const { form, status } = stored;
    const algorithms = this.#maker.algorithmsFor(status);
    const isHashed = algorithms.every((algorithm) => form.representation.init.digests.has(algorithm));
    const kept = isHashed ? stored : { ...stored, hashing: this.#hash(coding, form, status, algorithms) };
    this.#forms.set(coding, kept);
    const cost = form.content.memoryBytes - (before?.form.content.memoryBytes ?? 0);
    // The entry's own overhead is that of its first form.
    const isAnother = before === undefined && this.#forms.size > 1;
    this.costBytes += cost + (isAnother ? ENTRY_OVERHEAD_BYTES : 0);
    if (before === undefined && form.content instanceof FileContent) this.openFiles++;
    if (coding === "identity") {
      this.plainGet = form.getPlan;
      this.plainHead = form.headPlan;
    }
    before?.form.release();
    return kept;
  }

  async #hash(
    coding: ContentCoding,
    form: Form,
    status: FileStatus,
    algorithms: readonly DigestAlgorithm[],
  ): Promise<void> {
    const digests = await this.#maker.hash(form, algorithms);
    const now = this.#forms.get(coding);
    if (now?.form !== form || this.isGone) return;
    const before = this.costBytes;
    if (digests === undefined) this.#forms.set(coding, storedForm(form, status));
    else this.#store(coding, storedForm(this.#maker.withDigests(form, status, digests), status));
    this.#context.onResized(this, this.costBytes - before);
  }

  async #answerWhenHashed(
    coding: ContentCoding,
    hashing: Promise<void>,
    request: PlanRequest,
    own: readonly string[] | undefined,
  ): Promise<ResponsePlan> {
    await within(hashing, HASH_WAIT_MS);
    const stored = this.#forms.get(coding)!;
    if (this.#context.options.digest !== false && wantsDigest(request)) {
      return this.#answerWithDigests(stored, request, own);
    }
    return stored.form.answer(request, own);
  }

  /** The form that the client likes best is not there yet: it waits a moment, then gets another. */
  async #answerWhenMade(
    coding: ContentCoding,
    request: PlanRequest,
    own: readonly string[] | undefined,
  ): Promise<ResponsePlan> {
    const { compress: rules } = this.#context.options;
    const making = this.#make(coding);
    // There is nothing else to give to a client that cannot read what we have.
    const isPatient = coding === "identity" || rules === false;
    const made = await (isPatient ? making : within(making, rules.waitMs));
    if (made !== undefined) return made.form.answer(request, own);
    const identity = this.#forms.get("identity");
    return identity === undefined ? this.#streamIdentity(request, own) : identity.form.answer(request, own);
  }

  /** Only a compressed form exists, it is large, and the client cannot read it. */
  #streamIdentity(request: PlanRequest, own: readonly string[] = []): ResponsePlan {
    const [first] = this.#forms;
    const decoder = first && decompressor(first[0] as Compression);
    if (first === undefined || decoder === undefined) return errorPlan(request, 406, own);
    const { form, status } = first[1];
    return form.answerWith(request, 200, [...this.#maker.streamFields(status), ...own], (body) => ({
      kind: "stream",
      length: undefined,
      chunks: decoded(chunksOf(body), decoder),
    }));
  }

  /** One at a time per coding, however many wait for it. */
  #make(coding: ContentCoding): Promise<StoredForm | undefined> {
    let making = this.#making.get(coding);
    if (making === undefined) {
      making = this.#produce(coding).finally(() => {
        this.#making.delete(coding);
        this.release();
      });
      this.retain();
      this.#making.set(coding, making);
    }
    return making;
  }

  async #produce(coding: ContentCoding): Promise<StoredForm | undefined> {
    const [sourceCoding, stored] = this.#sourceFor(coding);
    if (stored === undefined) return undefined;
    const { form, status } = stored;
    form.retain();
    try {
      const bytes = await this.#bytesOf(form);
      if (bytes === undefined) return undefined;
      const result =
        coding === "identity"
          ? await decompress(sourceCoding as Compression, bytes, IDENTITY_BYTES_MAX)
          : await this.#compress(coding, bytes);
      if (result === undefined) return undefined;
      const before = this.costBytes;
      const made = this.#maker.fromBytes(result, coding, status, true);
      const kept = this.#store(coding, storedForm(made, status));
      this.#context.onResized(this, this.costBytes - before);
      return kept;
    } finally {
      form.release();
    }
  }

  /** What a form is made from: the file itself, or the first form of it that there is. */
  #sourceFor(coding: ContentCoding): readonly [ContentCoding, StoredForm | undefined] {
    const identity = this.#forms.get("identity");
    const [first] = this.#forms;
    return coding === "identity" && first !== undefined ? first : ["identity", identity];
  }

  async #compress(coding: Compression, bytes: Uint8Array): Promise<Buffer | undefined> {
    const { level } = this.#context.options.compress as ResolvedCompress;
    const job = compressing.run(() => compress(coding, bytes, level).catch(() => undefined));
    // Too much to do: not useless, only not now.
    if (job === undefined) return undefined;
    const result = await job;
    if (result !== undefined && result.byteLength < bytes.byteLength) return result;
    this.#useless.add(coding);
    return undefined;
  }

  async #bytesOf(form: Form): Promise<Uint8Array | undefined> {
    const { content } = form;
    const part = content.slice(0, content.byteLength);
    if (part instanceof Uint8Array) return part;
    const bytes = new Uint8Array(content.byteLength);
    const count = await this.#context.files.read(part.file.fd, bytes, 0);
    return count === bytes.byteLength && part.file.isUnchanged?.() !== false ? bytes : undefined;
  }

  /** Digests that this client wants and that answers do not have unasked (RFC 9530 §4). */
  async #answerWithDigests(
    of: StoredForm,
    request: PlanRequest,
    own: readonly string[] = [],
  ): Promise<ResponsePlan> {
    const { form } = of;
    const fields = [...own];
    form.retain();
    try {
      const known = form.representation.init.digests;
      const wantedRepr = wantedDigest(request.field(FIELD.wantReprDigest));
      if (wantedRepr !== undefined && !known.has(wantedRepr)) {
        const digests = await this.#wanted(of, wantedRepr);
        if (digests !== undefined) fields.push("Repr-Digest", digestValue(new Map([...known, ...digests])));
      }
      const plan = form.answer(request, fields.length === 0 ? undefined : fields);
      const wantedContent = wantedDigest(request.field(FIELD.wantContentDigest));
      if (wantedContent === undefined || plan.body.kind === "none") return plan;
      const digests = await this.#contentDigest(of, request, plan.head.status, wantedContent);
      if (digests === undefined) return plan;
      plan.release?.();
      return form.answer(request, [...fields, "Content-Digest", digestValue(digests)]);
    } finally {
      form.release();
    }
  }

  async #contentDigest(
    of: StoredForm,
    request: PlanRequest,
    status: number,
    algorithm: DigestAlgorithm,
  ): Promise<Digests | undefined> {
    if (status === 200) return this.#wanted(of, algorithm);
    const part = status === 206 ? this.#partOf(of.form, request) : undefined;
    if (part === undefined || hashPool.isBusy) return undefined;
    return within(this.#maker.hash(of.form, [algorithm], ...part), HASH_WAIT_MS);
  }

  /** A digest of the whole form, found once. */
  async #wanted({ form, wanted }: StoredForm, algorithm: DigestAlgorithm): Promise<Digests | undefined> {
    const known = form.representation.init.digests.get(algorithm);
    if (known !== undefined) return new Map([[algorithm, known]]);
    let finding = wanted.get(algorithm);
    if (finding === undefined) {
      if (hashPool.isBusy) return undefined;
      finding = this.#maker.hash(form, [algorithm]);
      wanted.set(algorithm, finding);
    }
    return within(finding, HASH_WAIT_MS);
  }

  /** Which bytes a 206 has; `undefined` when it is several parts, or too much to hash meanwhile. */
  #partOf(form: Form, request: PlanRequest): readonly [start: number, end: number] | undefined {
    const range = request.field(FIELD.range) ?? "";
    const ranges = parseRange(range, form.content.byteLength, this.#context.options.maxRanges);
    const [only, second] = typeof ranges === "string" ? [] : ranges;
    if (only === undefined || second !== undefined) return undefined;
    return only.end - only.start <= PART_DIGEST_BYTES_MAX ? [only.start, only.end] : undefined;
  }
}

function storedForm(form: Form, status: FileStatus): StoredForm {
  return { form, status, hashing: undefined, wanted: new Map() };
}

/** What would throw half of the others out is left on disk. Without a cache it is only read and sent. */
function maxBodyBytes({ cache }: ResolvedOptions): number {
  return cache.bytes === 0 ? cache.maxEntryBytes : Math.min(cache.maxEntryBytes, cache.bytes / 2);
}

/** What a file may grow to when only a compressed form of it is on disk. */
const IDENTITY_BYTES_MAX = 64 * 1024 * 1024;

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

const HASH_MASK =
  (1 << FIELD.ifNoneMatch) |
  (1 << FIELD.ifMatch) |
  (1 << FIELD.ifRange) |
  (1 << FIELD.wantReprDigest) |
  (1 << FIELD.wantContentDigest);

/** Would the answer be another once the file's hash is known? */
function wantsHash(request: PlanRequest): boolean {
  return (request.fieldMask & HASH_MASK) !== 0;
}

function wantsDigest(request: PlanRequest): boolean {
  return (request.fieldMask & ((1 << FIELD.wantReprDigest) | (1 << FIELD.wantContentDigest))) !== 0;
}
