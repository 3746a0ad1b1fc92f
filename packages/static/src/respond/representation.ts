/**
 * One form of a file that can be sent: the file as it is, or one of its encodings. It has its own length,
 * validators and bytes.
 */
import { httpDate, ResponseHead } from "@tz/http1";
import type { Validators } from "../negotiate/preconditions.js";

export type ContentCoding = "identity" | "br" | "zstd" | "gzip";

export interface RepresentationInit extends Validators {
  readonly byteLength: number;
  readonly mediaType: string;
  readonly coding: ContentCoding;
  /** `Vary` value, when another request could have got another form. */
  readonly vary: string | undefined;
  readonly cacheControl: string | undefined;
  readonly acceptsRanges: boolean;
  /** What the mount adds to every answer with this file: name, value, … */
  readonly extra: readonly string[];
}

export class Representation implements Validators {
  readonly byteLength: number;
  readonly mediaType: string;
  readonly coding: ContentCoding;
  readonly etag: string | undefined;
  readonly lastModifiedSeconds: number | undefined;
  readonly acceptsRanges: boolean;
  readonly #init: RepresentationInit;
  #ok: ResponseHead | undefined;
  #notModified: ResponseHead | undefined;

  constructor(init: RepresentationInit) {
    this.#init = init;
    this.byteLength = init.byteLength;
    this.mediaType = init.mediaType;
    this.coding = init.coding;
    this.etag = init.etag;
    this.lastModifiedSeconds = init.lastModifiedSeconds;
    this.acceptsRanges = init.acceptsRanges;
  }

  /** 200, for GET and HEAD (RFC 9110 §9.3.2: the same fields). */
  get okHead(): ResponseHead {
    this.#ok ??= new ResponseHead(200, this.fieldsFor(this.mediaType, this.byteLength));
    return this.#ok;
  }

  /** 304 keeps what guides a cache and leaves out what describes content (RFC 9110 §15.4.5). */
  get notModifiedHead(): ResponseHead {
    if (this.#notModified === undefined) {
      const fields: string[] = [];
      if (this.etag !== undefined) fields.push("ETag", this.etag);
      else if (this.lastModifiedSeconds !== undefined) {
        fields.push("Last-Modified", httpDate(this.lastModifiedSeconds * 1000));
      }
      this.#pushCaching(fields);
      this.#notModified = new ResponseHead(304, fields);
    }
    return this.#notModified;
  }

  /** The fields of a 200 or 206 with so many bytes of content. */
  fieldsFor(mediaType: string, byteLength: number): string[] {
    const fields = ["Content-Type", mediaType, "Content-Length", String(byteLength)];
    if (this.coding !== "identity") fields.push("Content-Encoding", this.coding);
    if (this.lastModifiedSeconds !== undefined) {
      fields.push("Last-Modified", httpDate(this.lastModifiedSeconds * 1000));
    }
    if (this.etag !== undefined) fields.push("ETag", this.etag);
    if (this.acceptsRanges) fields.push("Accept-Ranges", "bytes");
    this.#pushCaching(fields);
    return fields;
  }

  #pushCaching(fields: string[]): void {
    const { cacheControl, vary, extra } = this.#init;
    if (cacheControl !== undefined) fields.push("Cache-Control", cacheControl);
    if (vary !== undefined) fields.push("Vary", vary);
    fields.push(...extra);
  }
}
