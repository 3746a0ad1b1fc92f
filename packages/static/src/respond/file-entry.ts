/** The entry of a path that is a file. */
import type { PlanRequest, ResponsePlan } from "@tz/http1";
import { ENTRY_OVERHEAD_BYTES, Entry, type Probe } from "../cache/entry.js";
import { cacheControlOf } from "../negotiate/cache-control.js";
import { mediaTypeOf } from "../negotiate/media-type.js";
import type { ResolvedOptions } from "../options.js";
import type { FileStatus, FileSystem, OpenedFile } from "../resolve/file-system.js";
import type { Steps } from "../steps.js";
import { wait } from "../steps.js";
import type { AnswerMemory } from "./answer-memory.js";
import { FileContent, MemoryContent } from "./content.js";
import { CONDITIONAL_OR_RANGE_MASK, Form } from "./form.js";
import { Representation } from "./representation.js";
import { contentTag, hasMeaningfulTime, lastModifiedOf, statusTag } from "./validators.js";

/** A change within this time of the last one may leave the file's time as it was: the kernel's clock ticks every 4 ms or 10 ms. */
const RACY_MS = 50;

export interface FileSource {
  readonly target: string;
  /** Below the root: decides the type. */
  readonly path: string;
  readonly file: OpenedFile;
  readonly probes: readonly Probe[];
}

export interface FileEntryContext {
  readonly options: ResolvedOptions;
  readonly files: FileSystem;
  readonly memory: AnswerMemory;
}

export class FileEntry extends Entry {
  readonly #form: Form;
  readonly #fd: number;

  private constructor(
    source: FileSource,
    context: FileEntryContext,
    body: Uint8Array | undefined,
    isSteady: boolean,
  ) {
    super(source.target, source.probes);
    const { options, files, memory } = context;
    const { status, fd } = source.file;
    const representation = describe(source, options, body, isSteady);
    this.isCacheable = isSteady;
    if (body === undefined) {
      this.#fd = fd;
      this.#form = new Form(this, representation, new FileContent(files, fd, status), options);
    } else {
      this.#fd = -1;
      const content = new MemoryContent(memory, body, representation.okHead, representation.notModifiedHead);
      this.costBytes = ENTRY_OVERHEAD_BYTES + content.memoryBytes;
      this.#form = new Form(this, representation, content, options);
    }
    this.variesOn = CONDITIONAL_OR_RANGE_MASK;
    this.plainGet = this.#form.getPlan;
    this.plainHead = this.#form.headPlan;
    this.isRacy = Date.now() - (status.mtimeSeconds * 1000 + status.mtimeNanoseconds / 1e6) < RACY_MS;
  }

  /**
   * Takes over `source.file`: small files are read and closed, large ones stay open.
   * `undefined` when the file changed while it was read: the caller looks again, unless this was its last look.
   */
  static *make(source: FileSource, context: FileEntryContext, isLast: boolean): Steps<FileEntry | undefined> {
    const { fd, status } = source.file;
    const { files, options } = context;
    if (status.byteLength > options.cache.maxEntryBytes)
      return new FileEntry(source, context, undefined, true);
    try {
      const body = new Uint8Array(status.byteLength);
      const count = yield* wait(files.read(fd, body, 0));
      const isSteady = count === body.byteLength && isUntouched(files.lookAt(fd), status);
      if (!isSteady && !isLast) return undefined;
      return new FileEntry(source, context, body.subarray(0, Math.max(0, count)), isSteady);
    } finally {
      files.closeFile(fd);
    }
  }

  override answer(request: PlanRequest): ResponsePlan {
    return this.#form.answer(request);
  }

  override get fd(): number {
    return this.#fd;
  }

  override isIntact(): boolean {
    return !(this.#form.content instanceof FileContent) || this.#form.content.isUnchanged();
  }

  protected override dispose(): void {
    this.#form.content.dispose();
  }
}

function isUntouched(now: FileStatus | string, then: FileStatus): boolean {
  return (
    typeof now !== "string" &&
    now.byteLength === then.byteLength &&
    now.mtimeSeconds === then.mtimeSeconds &&
    now.mtimeNanoseconds === then.mtimeNanoseconds
  );
}

/** A file that would not hold still has no validators: its next answer may differ from this one in any way. */
function describe(
  source: FileSource,
  options: ResolvedOptions,
  body: Uint8Array | undefined,
  isSteady: boolean,
): Representation {
  const { path, file } = source;
  return new Representation({
    byteLength: body?.byteLength ?? file.status.byteLength,
    mediaType: mediaTypeOf(path, { charset: options.charset, overrides: options.mime }),
    coding: "identity",
    etag: isSteady ? tagOf(file.status, options, body) : undefined,
    lastModifiedSeconds:
      isSteady && options.lastModified ? lastModifiedOf(file.status, Date.now()) : undefined,
    vary: undefined,
    cacheControl: cacheControlOf(path, options),
    acceptsRanges: options.ranges,
    extra: [],
  });
}

function tagOf(
  status: FileStatus,
  options: ResolvedOptions,
  body: Uint8Array | undefined,
): string | undefined {
  if (options.etag === false) return undefined;
  if (hasMeaningfulTime(status)) return statusTag(status, "");
  return body === undefined ? undefined : contentTag(body, "");
}
