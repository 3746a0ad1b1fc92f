/**
 * The forms of one file: those that are there, and those that are made of them when somebody asks.
 *
 * ```
 *   identity ──compress──▶ br, zstd, gzip        once each, however many wait
 *   gzip (only) ──decompress──▶ identity
 *   any ──hash──▶ the same with strong tag and digests
 * ```
 */
import { hashPool } from "../digest/hash-pool.js";
import { compress, decompress } from "../negotiate/coders.js";
import type { Compression, ContentCoding } from "../negotiate/coding.js";
import type { DigestAlgorithm } from "../options.js";
import type { FileStatus } from "../resolve/file-system.js";
import { FileContent } from "./content.js";
import type { Form } from "./form.js";
import type { FormMaker } from "./form-maker.js";
import { JobQueue } from "./job-queue.js";
import type { LoadedFile } from "./loaded-file.js";
import type { Digests } from "./representation.js";

/** Compression shares libuv's pool of four with everybody's file reads: half of it. */
const compressing = new JobQueue(2, 256);

/** What is decompressed to be kept may grow to this; more is decompressed while it is sent, for each client anew. */
const DECOMPRESSED_BYTES_MAX = 4 * 1024 * 1024;

export interface StoredForm {
  readonly coding: ContentCoding;
  readonly form: Form;
  /** Of the file that it was made from. */
  readonly status: FileStatus;
  /** The hash that its tag and digests wait for. */
  readonly hashing: Promise<void> | undefined;
  /** Digests that some client wanted, once for all. */
  wanted: Map<DigestAlgorithm, Promise<Digests | undefined>> | undefined;
}

export interface FormOwner {
  /** A form was added or replaced; `byBytes` more memory is taken. */
  onFormChanged(stored: StoredForm, byBytes: number): void;
}

export class FormSet {
  readonly #owner: FormOwner;
  readonly #maker: FormMaker;
  /** One, nearly always: a map would cost more than all of it. */
  readonly #forms: StoredForm[] = [];
  #making: Map<ContentCoding, Promise<StoredForm | undefined>> | undefined;
  /** Codings that make it longer, or that failed. */
  #useless: Set<ContentCoding> | undefined;
  #isBroken = false;
  #isGone = false;

  constructor(owner: FormOwner, maker: FormMaker) {
    this.#owner = owner;
    this.#maker = maker;
  }

  get(coding: ContentCoding): StoredForm | undefined {
    for (const stored of this.#forms) if (stored.coding === coding) return stored;
    return undefined;
  }

  /** The first that was added. */
  get first(): StoredForm | undefined {
    return this.#forms[0];
  }

  get size(): number {
    return this.#forms.length;
  }

  /** Was it tried, in vain? */
  isUseless(coding: ContentCoding): boolean {
    return this.#useless?.has(coding) === true;
  }

  /** The only form cannot be decoded: a client that cannot read its coding gets nothing of it. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  addFile(coding: ContentCoding, loaded: LoadedFile): void {
    this.#put(coding, this.#maker.fromFile(loaded, coding), loaded.status);
  }

  /** Makes a form of another. One at a time per coding; `undefined` when it cannot be made, or not now. */
  make(coding: ContentCoding): Promise<StoredForm | undefined> {
    this.#making ??= new Map();
    let making = this.#making.get(coding);
    if (making === undefined) {
      making = this.#produce(coding).finally(() => this.#making?.delete(coding));
      this.#making.set(coding, making);
    }
    return making;
  }

  /** A digest of the whole form, found once; `undefined` when there is too much to do. */
  digest(stored: StoredForm, algorithm: DigestAlgorithm): Promise<Digests | undefined> | undefined {
    const { form } = stored;
    const known = form.representation.init.digests.get(algorithm);
    if (known !== undefined) return Promise.resolve(new Map([[algorithm, known]]));
    stored.wanted ??= new Map();
    let finding = stored.wanted.get(algorithm);
    if (finding === undefined && !hashPool.isBusy) {
      finding = this.#maker.hash(form, [algorithm]);
      stored.wanted.set(algorithm, finding);
    }
    return finding;
  }

  /** Do the open files still hold what their heads promise? */
  areFilesUnchanged(): boolean {
    for (const { form } of this.#forms) {
      if (form.content instanceof FileContent && !form.content.isUnchanged()) return false;
    }
    return true;
  }

  /** Gives the forms back; answers on their way keep theirs. */
  dispose(): void {
    this.#isGone = true;
    for (const { form } of this.#forms) form.release();
    this.#forms.length = 0;
  }

  /** Adds a form, or replaces one; begins to hash it when something waits for that. */
  #put(coding: ContentCoding, form: Form, status: FileStatus, isHashed = false): StoredForm {
    const index = this.#forms.findIndex((each) => each.coding === coding);
    const before = this.#forms[index];
    const algorithms = this.#maker.algorithmsFor(status);
    const { digests } = form.representation.init;
    const needsHash = !isHashed && algorithms.some((algorithm) => !digests.has(algorithm));
    const stored: StoredForm = {
      coding,
      form,
      status,
      hashing: needsHash ? this.#hash(coding, form, status, algorithms) : undefined,
      wanted: undefined,
    };
    this.#forms[index < 0 ? this.#forms.length : index] = stored;
    before?.form.release();
    this.#owner.onFormChanged(stored, form.content.memoryBytes - (before?.form.content.memoryBytes ?? 0));
    return stored;
  }

  async #hash(
    coding: ContentCoding,
    form: Form,
    status: FileStatus,
    algorithms: readonly DigestAlgorithm[],
  ): Promise<void> {
    const maker = this.#maker;
    const digests = await maker.hash(form, algorithms);
    if (this.#isGone || this.get(coding)?.form !== form) return;
    if (digests !== undefined) {
      this.#put(coding, maker.withDigests(form, status, digests), status, true);
      return;
    }
    form.retain();
    this.#put(coding, form, status, true);
  }

  async #produce(coding: ContentCoding): Promise<StoredForm | undefined> {
    const source = coding === "identity" ? this.first : this.get("identity");
    if (source === undefined || this.isUseless(coding)) return undefined;
    source.form.retain();
    try {
      const bytes = await this.#bytesOf(source.form);
      if (bytes === undefined) return undefined;
      const result =
        coding === "identity"
          ? await this.#decompress(source.coding as Compression, bytes)
          : await this.#compress(coding, bytes);
      if (result === undefined) return undefined;
      const form = this.#maker.fromBytes(result, coding, source.status, true);
      if (!this.#isGone) return this.#put(coding, form, source.status);
      form.release();
      return undefined;
    } finally {
      source.form.release();
    }
  }

  async #compress(coding: Compression, bytes: Uint8Array): Promise<Buffer | undefined> {
    const job = compressing.run(() =>
      compress(coding, bytes, this.#maker.compressionLevel).catch(() => undefined),
    );
    // Too much to do: not useless, only not now.
    if (job === undefined) return undefined;
    const result = await job;
    if (result !== undefined && result.byteLength < bytes.byteLength) return result;
    this.#giveUp(coding);
    return undefined;
  }

  #giveUp(coding: ContentCoding): void {
    this.#useless ??= new Set();
    this.#useless.add(coding);
  }

  async #decompress(coding: Compression, bytes: Uint8Array): Promise<Buffer | undefined> {
    const result = await decompress(coding, bytes, DECOMPRESSED_BYTES_MAX);
    if (result instanceof Uint8Array) return result;
    this.#giveUp("identity");
    this.#isBroken = result === "broken";
    return undefined;
  }

  async #bytesOf(form: Form): Promise<Uint8Array | undefined> {
    const { content } = form;
    const part = content.slice(0, content.byteLength);
    if (part instanceof Uint8Array) return part;
    const bytes = new Uint8Array(content.byteLength);
    const count = await this.#maker.files.read(part.file.fd, bytes, 0);
    return count === bytes.byteLength && part.file.isUnchanged?.() !== false ? bytes : undefined;
  }
}
