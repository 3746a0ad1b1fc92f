/** Where we decide differently from llhttp (Node's parser, strict), and the rule that decides. Listed in docs/reference/http1.md. */
export interface Difference {
  readonly section: string;
  readonly why: string;
}

/** Our error → why we refuse what llhttp lets pass. */
export const WE_REFUSE: { readonly [code: string]: Difference } = {
  MISSING_HOST: {
    section: "RFC 9112 §3.2",
    why: "llhttp leaves Host to its user; a 1.1 request without it must get 400",
  },
  DUPLICATE_HOST: { section: "RFC 9112 §3.2", why: "as above, for more than one Host" },
  BAD_HOST: { section: "RFC 9112 §3.2", why: "as above, for an invalid Host" },
  TARGET_FORM: { section: "RFC 9112 §3.2", why: "llhttp does not tie the target's form to the method" },
  TARGET_SCHEME: { section: "RFC 9112 §3.2.2", why: "llhttp takes any scheme" },
  TARGET_AUTHORITY: {
    section: "RFC 9110 §4.2.4",
    why: "llhttp takes user information and an empty or invalid authority",
  },
  BAD_TARGET: {
    section: "RFC 9112 §3.2",
    why: "llhttp takes an empty target, a fragment, quotes and angle brackets",
  },
  BAD_VERSION: { section: "RFC 9112 §3", why: "llhttp skips several spaces in front of the version" },
  MISSING_VERSION: { section: "RFC 9112 §3", why: "llhttp still speaks HTTP/0.9" },
  UNSUPPORTED_VERSION: {
    section: "RFC 9110 §15.6.6",
    why: "llhttp takes HTTP/2.0 and HTTP/0.9 for requests",
  },
  METHOD_CASE: { section: "RFC 9110 §9.1", why: "llhttp answers 400 where 501 is meant" },
  EMPTY_LINES: { section: "RFC 9112 §2.2", why: "llhttp skips any number of empty lines" },
  BARE_CR: { section: "RFC 9112 §2.2", why: "llhttp skips CR alone in front of a request" },
  BARE_LF: { section: "RFC 9112 §2.2", why: "llhttp skips LF alone in front of a request" },
  UNKNOWN_EXPECTATION: { section: "RFC 9110 §10.1.1", why: "llhttp leaves Expect to its user" },
  UNKNOWN_TRANSFER_CODING: {
    section: "RFC 9112 §6.1",
    why: "llhttp reads any coding before chunked, and leaves its decoding to its user",
  },
  BAD_TRANSFER_ENCODING: {
    section: "RFC 9112 §6.1",
    why: "llhttp takes an empty Transfer-Encoding for none",
  },
  TRANSFER_ENCODING_VERSION: { section: "RFC 9112 §6.1", why: "llhttp reads chunked content in HTTP/1.0" },
  BAD_CHUNK_EXTENSION: {
    section: "RFC 9112 §7.1.1",
    why: "llhttp takes an extension with an empty name or value",
  },
  CHUNK_SIZE_TOO_LARGE: {
    section: "RFC 9112 §7.1",
    why: "llhttp counts to 2^64; sizes are exact up to 2^53 - 1 here, and refused beyond",
  },
  CONTENT_LENGTH_TOO_LARGE: {
    section: "RFC 9110 §8.6",
    why: "as above, for Content-Length",
  },
};

/** llhttp's error → why we accept what it refuses. */
export const WE_ACCEPT: { readonly [code: string]: Difference } = {
  HPE_INVALID_METHOD: { section: "RFC 9110 §9.1", why: "any token is a method; llhttp knows a fixed list" },
  HPE_INVALID_VERSION: { section: "RFC 9110 §2.5", why: "HTTP/1.2 to HTTP/1.9 are served as HTTP/1.1" },
  HPE_INVALID_CHUNK_SIZE: {
    section: "RFC 9112 §7.1.1",
    why: "white space around extensions must be read (BWS)",
  },
  HPE_INVALID_TRANSFER_ENCODING: {
    section: "RFC 9110 §6.5.1",
    why: "Transfer-Encoding in a trailer section is dropped",
  },
  HPE_INVALID_CONTENT_LENGTH: {
    section: "RFC 9110 §6.5.1",
    why: "Content-Length in a trailer section is dropped",
  },
  HPE_UNEXPECTED_CONTENT_LENGTH: {
    section: "RFC 9110 §6.5.1",
    why: "Content-Length in a trailer section is dropped",
  },
  HPE_CLOSED_CONNECTION: {
    section: "RFC 9112 §9.6",
    why: "bytes after a request with close are ignored, its answer is sent",
  },
};
