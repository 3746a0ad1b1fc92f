/**
 * One form of a file that can be sent: the file as it is, or one of its encodings. It has its own length and
 * validators, and the heads of its answers.
 */
import { httpDate, ResponseHead } from "@tz/http1";
import type { ContentCoding } from "../negotiate/coding.js";
import type { Validators } from "../negotiate/preconditions.js";
import type { DigestAlgorithm } from "../options.js";

export type Digests = ReadonlyMap<DigestAlgorithm, string>;

export interface RepresentationInit extends Validators {
  readonly byteLength: number;
  readonly mediaType: string;
  readonly coding: ContentCoding;
  readonly acceptsRanges: boolean;
  /** Of every 200, 206 and 304: `Cache-Control`, `Vary`, what was configured. */
  readonly fields: readonly string[];
  /** Of the whole of it, base64, as far as known. */
  readonly digests: Digests;
  /** Answers carry them as `Repr-Digest`. */
  readonly showsDigests: boolean;
}

export class Representation implements Validators {
  readonly init: RepresentationInit;
  readonly byteLength: number;
  readonly mediaType: string;
  readonly etag: string | undefined;
  readonly formerEtag: string | undefined;
  readonly lastModifiedSeconds: number | undefined;
  readonly acceptsRanges: boolean;
  #ok: ResponseHead | undefined;
  #notModified: ResponseHead | undefined;

  constructor(init: RepresentationInit) {
    this.init = init;
    this.byteLength = init.byteLength;
    this.mediaType = init.mediaType;
    this.etag = init.etag;
    this.formerEtag = init.formerEtag;
    this.lastModifiedSeconds = init.lastModifiedSeconds;
    this.acceptsRanges = init.acceptsRanges;
  }

  /** 200, for GET and HEAD (RFC 9110 §9.3.2: the same fields). */
  get okHead(): ResponseHead {
    this.#ok ??= new ResponseHead(200, this.fieldsFor(this.mediaType, this.byteLength));
    return this.#ok;
  }

  get notModifiedHead(): ResponseHead {
    this.#notModified ??= new ResponseHead(304, this.notModifiedFields());
    return this.#notModified;
  }

  /** 304 keeps what guides a cache and leaves out what describes content (RFC 9110 §15.4.5). */
  notModifiedFields(): string[] {
    const fields: string[] = [];
    if (this.etag !== undefined) fields.push("ETag", this.etag);
    else if (this.lastModifiedSeconds !== undefined) {
      fields.push("Last-Modified", httpDate(this.lastModifiedSeconds * 1000));
    }
    fields.push(...this.init.fields);
    return fields;
  }

  /** The fields of a 200 or 206 with so many bytes of content; without a length it is not known yet. */
  fieldsFor(mediaType: string, byteLength: number | undefined): string[] {
    const fields = ["Content-Type", mediaType];
    if (byteLength !== undefined) fields.push("Content-Length", String(byteLength));
    if (this.init.coding !== "identity") fields.push("Content-Encoding", this.init.coding);
    if (this.lastModifiedSeconds !== undefined) {
      fields.push("Last-Modified", httpDate(this.lastModifiedSeconds * 1000));
    }
    if (this.etag !== undefined) fields.push("ETag", this.etag);
    if (this.acceptsRanges) fields.push("Accept-Ranges", "bytes");
    if (this.init.showsDigests && this.init.digests.size > 0)
      fields.push("Repr-Digest", digestValue(this.init.digests));
    fields.push(...this.init.fields);
    return fields;
  }
}

/** A dictionary of byte sequences (RFC 9530 §3, RFC 8941 §3.2). */
export function digestValue(digests: Digests): string {
  return [...digests].map(([algorithm, base64]) => `${algorithm}=:${base64}:`).join(", ");
}
