/** Makes forms: validators, heads and content put together by the options. */
import { createHash } from "node:crypto";
import { ResponseHead } from "@tz/http1";
import { type HashSource, hashPool } from "../digest/hash-pool.js";
import type { ContentCoding } from "../negotiate/coding.js";
import type { DigestAlgorithm, ManifestFile, ResolvedOptions } from "../options.js";
import type { FileStatus, FileSystem } from "../resolve/file-system.js";
import type { AnswerMemory } from "./answer-memory.js";
import { type Content, FileContent, MemoryContent } from "./content.js";
import { type FileDescription, linksOf } from "./file-description.js";
import { Form, type FormRules } from "./form.js";
import type { LoadedFile } from "./loaded-file.js";
import { type Digests, Representation, type RepresentationInit } from "./representation.js";
import { contentTag, hasMeaningfulTime, lastModifiedOf, statusTag } from "./validators.js";

/** Hashing so much takes about 10 µs: less than handing it to another thread. */
const INLINE_HASH_BYTES = 16 * 1024;
const NO_DIGESTS: Digests = new Map();

/** How tags of codings differ from the tag of the file itself. */
const TAG_SUFFIX: Readonly<Record<ContentCoding, string>> = {
  identity: "",
  br: "-br",
  zstd: "-zs",
  gzip: "-gz",
};

/** What all files of a mount share. */
export interface FormContext {
  readonly options: ResolvedOptions;
  readonly files: FileSystem;
  readonly memory: AnswerMemory;
  readonly rules: FormRules;
}

export class FormMaker {
  readonly #context: FormContext;
  readonly #description: FileDescription;
  readonly #rules: FormRules;

  constructor(context: FormContext, description: FileDescription, known: ManifestFile | undefined) {
    this.#context = context;
    this.#description = description;
    const links = known === undefined || !context.options.earlyHints ? [] : linksOf(known);
    this.#rules =
      links.length === 0
        ? context.rules
        : {
            ...context.rules,
            earlyHints: new ResponseHead(
              103,
              links.flatMap((link) => ["Link", link]),
            ),
          };
  }

  get files(): FileSystem {
    return this.#context.files;
  }

  get compressionLevel(): number | undefined {
    const { compress } = this.#context.options;
    return compress === false ? undefined : compress.level;
  }

  /** The algorithms that answers have unasked; empty when nothing has to be hashed. */
  algorithmsFor(status: FileStatus): readonly DigestAlgorithm[] {
    const { etag, digest } = this.#context.options;
    const algorithms = new Set<DigestAlgorithm>(digest === false ? [] : digest.algorithms);
    if (etag === "strong" || (etag === "weak" && !hasMeaningfulTime(status))) algorithms.add("sha-256");
    return [...algorithms];
  }

  fromFile(loaded: LoadedFile, coding: ContentCoding): Form {
    const { status, body, fd, isSteady } = loaded;
    if (body !== undefined) return this.fromBytes(body, coding, status, isSteady);
    const representation = this.#describe(coding, status, status.byteLength, NO_DIGESTS, true);
    return new Form(representation, new FileContent(this.#context.files, fd, status), this.#rules);
  }

  /**
   * @param status of the file that the bytes come from
   * @param isSteady without it there are no validators: the next answer may differ from this one in any way
   */
  fromBytes(body: Uint8Array, coding: ContentCoding, status: FileStatus, isSteady: boolean): Form {
    const algorithms = isSteady ? this.algorithmsFor(status) : [];
    const isInline = body.byteLength <= INLINE_HASH_BYTES;
    const digests = isInline && algorithms.length > 0 ? hashNow(body, algorithms) : NO_DIGESTS;
    const representation = this.#describe(coding, status, body.byteLength, digests, isSteady);
    return new Form(representation, this.#place(body, representation), this.#rules);
  }

  /** The same bytes with what was found out about them since. */
  withDigests(form: Form, status: FileStatus, digests: Digests): Form {
    const { init } = form.representation;
    const { content } = form;
    const all = new Map([...init.digests, ...digests]);
    const representation = this.#describe(init.coding, status, content.byteLength, all, true);
    if (content instanceof FileContent) {
      content.retain();
      return new Form(representation, content, this.#rules);
    }
    return new Form(
      representation,
      this.#place(content.slice(0, content.byteLength) as Uint8Array, representation),
      this.#rules,
    );
  }

  /** Fields of an answer that is decoded while it is sent: its length is not known, nor any part of it. */
  streamFields(status: FileStatus): string[] {
    const { init } = this.#describe("identity", status, 0, NO_DIGESTS, true);
    return new Representation({ ...init, acceptsRanges: false }).fieldsFor(init.mediaType, undefined);
  }

  /** Off the loop; keeps the form until it is done. */
  async hash(
    form: Form,
    algorithms: readonly DigestAlgorithm[],
    start = 0,
    end: number = form.content.byteLength,
  ): Promise<Digests | undefined> {
    const { content } = form;
    form.retain();
    try {
      const part = content.slice(start, end);
      const source: HashSource =
        part instanceof Uint8Array ? { bytes: part } : { fd: part.file.fd, start, end };
      const digests = await hashPool.hash(source, algorithms);
      // A file that was written to meanwhile has the digest of no version of it.
      return content instanceof FileContent && !content.isUnchanged() ? undefined : digests;
    } finally {
      form.release();
    }
  }

  #place(body: Uint8Array, representation: Representation): Content {
    return new MemoryContent(this.#context.memory, body, representation.okHead);
  }

  #describe(
    coding: ContentCoding,
    status: FileStatus,
    byteLength: number,
    digests: Digests,
    isSteady: boolean,
  ): Representation {
    const { options } = this.#context;
    const description = this.#description;
    const { etag, formerEtag } = isSteady ? tagsOf(coding, status, digests, options) : NO_TAGS;
    const init: RepresentationInit = {
      byteLength,
      mediaType: description.mediaType,
      coding,
      etag,
      formerEtag,
      lastModifiedSeconds: isSteady && options.lastModified ? lastModifiedOf(status, Date.now()) : undefined,
      acceptsRanges: options.ranges,
      fields: description.fields,
      digests,
      showsDigests: options.digest !== false,
    };
    return new Representation(init);
  }
}

export function hashNow(bytes: Uint8Array, algorithms: readonly DigestAlgorithm[]): Digests {
  return new Map(
    algorithms.map((algorithm) => [
      algorithm,
      createHash(algorithm === "sha-256" ? "sha256" : "sha512")
        .update(bytes)
        .digest("base64"),
    ]),
  );
}

interface Tags {
  readonly etag: string | undefined;
  readonly formerEtag: string | undefined;
}

const NO_TAGS: Tags = { etag: undefined, formerEtag: undefined };

function tagsOf(coding: ContentCoding, status: FileStatus, digests: Digests, options: ResolvedOptions): Tags {
  if (options.etag === false) return NO_TAGS;
  const weak = hasMeaningfulTime(status) ? statusTag(status, TAG_SUFFIX[coding]) : undefined;
  const sha256 = digests.get("sha-256");
  if (options.etag === "weak" && weak !== undefined) return { etag: weak, formerEtag: undefined };
  if (sha256 === undefined) return { etag: weak, formerEtag: undefined };
  return { etag: contentTag(sha256, TAG_SUFFIX[coding]), formerEtag: weak };
}
