import { ERROR } from "../errors.js";
import { ASTERISK, COLON, QUESTION, SLASH } from "../tables/bytes.js";
import { METHOD } from "../tables/methods.js";
import { isAuthority, isPort } from "./host.js";
import { keyword, matchesAt } from "./list.js";

export type TargetForm = "origin" | "absolute" | "authority" | "asterisk";

const HTTP = keyword("http");
const HTTPS = keyword("https");
const AT = 0x40;
/** Length of `://`. */
const SEPARATOR_LENGTH = 3;

/**
 * The request target by its form (RFC 9112 §3.2), reduced to what an origin server works with. Offsets are
 * absolute indices into the bytes. Two rare cases of the absolute form write into `://` in front of the
 * authority, so that what an origin server works with lies in the bytes in one piece.
 */
export class RequestTarget {
  form: TargetForm = "origin";
  /** Path and query, `*`, or CONNECT's authority. */
  start = 0;
  end = 0;
  /** Authority of the absolute and authority form; empty otherwise. */
  authorityStart = 0;
  authorityEnd = 0;

  /** The bytes moved: all offsets follow. */
  shift(by: number): void {
    this.start += by;
    this.end += by;
    this.authorityStart += by;
    this.authorityEnd += by;
  }

  /** @returns 0, or a negated error id */
  parse(bytes: Uint8Array, start: number, end: number, methodId: number): number {
    this.start = start;
    this.end = end;
    this.authorityStart = this.authorityEnd = 0;
    if (methodId === METHOD.CONNECT) return this.#authority(bytes, start, end);
    const first = bytes[start];
    if (first === SLASH) {
      this.form = "origin";
      return 0;
    }
    if (first === ASTERISK) {
      this.form = "asterisk";
      return end - start === 1 && methodId === METHOD.OPTIONS ? 0 : -ERROR.targetForm;
    }
    return this.#absolute(bytes, start, end, methodId);
  }

  /** `uri-host ":" port`: the port is not optional (RFC 9112 §3.2.3). */
  #authority(bytes: Uint8Array, start: number, end: number): number {
    this.form = "authority";
    let colon = end - 1;
    while (colon > start && bytes[colon] !== COLON) colon--;
    if (colon === start || colon === end - 1 || !isPort(bytes, colon + 1, end)) return -ERROR.targetForm;
    if (!isAuthority(bytes, start, end)) return -ERROR.targetForm;
    this.authorityStart = start;
    this.authorityEnd = end;
    return 0;
  }

  /** `http://authority[/path][?query]` (RFC 9112 §3.2.2). */
  #absolute(bytes: Uint8Array, start: number, end: number, methodId: number): number {
    this.form = "absolute";
    let colon = start;
    while (colon < end && bytes[colon] !== COLON && bytes[colon] !== SLASH && bytes[colon] !== QUESTION)
      colon++;
    const authority = colon + SEPARATOR_LENGTH;
    if (
      authority > end ||
      bytes[colon] !== COLON ||
      bytes[colon + 1] !== SLASH ||
      bytes[colon + 2] !== SLASH
    ) {
      return -ERROR.targetForm;
    }
    if (!matchesAt(bytes, start, colon, HTTP) && !matchesAt(bytes, start, colon, HTTPS))
      return -ERROR.targetScheme;
    let path = authority;
    while (path < end && bytes[path] !== SLASH && bytes[path] !== QUESTION) {
      if (bytes[path] === AT) return -ERROR.targetAuthority;
      path++;
    }
    if (path === authority || !isAuthority(bytes, authority, path)) return -ERROR.targetAuthority;
    this.authorityStart = authority;
    this.authorityEnd = path;
    this.start = path;
    if (path === end) this.#emptyPath(bytes, authority, methodId);
    else if (bytes[path] === QUESTION) this.#insertSlash(bytes);
    return 0;
  }

  /** No path and no query: `/` is borrowed from the `//`, or made `*` for OPTIONS (RFC 9112 §3.2.4). */
  #emptyPath(bytes: Uint8Array, authority: number, methodId: number): void {
    this.start = authority - 1;
    this.end = authority;
    if (methodId !== METHOD.OPTIONS) return;
    this.form = "asterisk";
    bytes[this.start] = ASTERISK;
  }

  /**
   * `http://a?x` asks for `/?x`, which is nowhere in the bytes. The authority moves one byte down over the
   * second slash and makes room for it.
   */
  #insertSlash(bytes: Uint8Array): void {
    bytes.copyWithin(this.authorityStart - 1, this.authorityStart, this.authorityEnd);
    this.authorityStart--;
    this.authorityEnd--;
    this.start = this.authorityEnd;
    bytes[this.start] = SLASH;
  }
}
