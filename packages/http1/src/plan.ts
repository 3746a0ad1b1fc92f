/**
 * The narrow waist: everything above makes a {@link ResponsePlan} (static files, handlers), everything
 * below carries it out (epoll, TLS, `node:http`, Fetch, HTTP/2). A plan is plain data: no socket, no loop.
 *
 * ```
 *   PlanRequest ──▶ PlanMount.plan() ──▶ ResponsePlan ──▶ executor ──▶ release()
 * ```
 *
 * Ownership: whoever makes a plan hands over **one reference** to what it names (open files, pinned bytes).
 * The executor calls `release()` exactly once: after the last byte, on failure, or when the client is gone.
 */

import type { ResponseHead } from "./response-head.js";
import type { FieldId } from "./tables/fields.js";

/** What a plan maker may ask of a request. Implemented by `RequestHead` (bytes) and by the adapters (strings). */
export interface PlanRequest {
  /** The method as sent, e.g. `"GET"`; methods are case-sensitive (RFC 9110 §9.1). */
  readonly method: string;
  /** Origin form: path and query, e.g. `"/a/b?x=1"`; an absolute-form target is already reduced to it. `"*"` for OPTIONS. */
  readonly target: string;
  /** HTTP/1.`minor`; 1 for newer protocols. */
  readonly minorVersion: number;
  /** Bit `1 << id` is set when the request carries that field, for the ids below 32 (see `FIELD`). */
  readonly fieldMask: number;
  /**
   * A field's value: lines of one name are joined by `", "` (RFC 9110 §5.2); `undefined` when absent.
   * @param name a well-known id, or a lower-case name
   */
  field(name: FieldId | string): string | undefined;
  /**
   * When the request is still bytes: the memory and where the target lies in it (valid during `plan()` only),
   * so that a cache can look it up without making a string.
   */
  readonly bytes?: Uint8Array | undefined;
  readonly targetStart?: number;
  readonly targetEnd?: number;
}

/** An open file that several plans may share. `fd` is valid until the last reference is released. */
export interface PlanFile {
  readonly fd: number;
  /**
   * `false` once the file is not what the plan promised any more (written to, truncated). Executors ask before
   * each chunk after the first; on `false` they close the connection: the length is never completed with other
   * bytes. Costs one `fstat`.
   */
  isUnchanged?(): boolean;
}

/** `length` bytes of a file from `offset`. */
export interface FileSegment {
  readonly file: PlanFile;
  readonly offset: number;
  readonly length: number;
}

export type PlanBody =
  /** No body bytes: HEAD, 204, 304. A `Content-Length` in the head then says what GET would send. */
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Bytes and file ranges in order; `length` is their sum. One file range is the common case. */
  | {
      readonly kind: "segments";
      readonly length: number;
      readonly segments: readonly (Uint8Array | FileSegment)[];
    }
  /**
   * Chunks as they come. With a `length`, exactly that many bytes follow; without, the executor frames them
   * (chunked in HTTP/1.1, close-delimited in 1.0). `return()` is called on the iterator when the client goes away.
   */
  | {
      readonly kind: "stream";
      readonly length: number | undefined;
      readonly chunks: AsyncIterable<Uint8Array>;
    };

/**
 * Memory right before a packed answer, for the lines that only the executor knows (status line, `Date`): with them
 * the answer is one piece. Of memory that one process uses only; the executor writes it when they change.
 *
 * ```
 *   bytes    [  …  | status line, Date ][ head of the plan | body ]
 *                                       └ end, and PackedResponse.address
 * ```
 */
export interface PackedLead {
  readonly bytes: Uint8Array;
  /** Where in `bytes` the plan's head begins. */
  readonly end: number;
  /** What lies before `end` since the last answer; `undefined` when nothing does. */
  written: Uint8Array | undefined;
}

/**
 * `head.bytes` and the whole body, contiguous at an address that does not move, so that an answer is one
 * `send`, or one `writev` without a lead. The memory belongs to a region of the plan's maker and stays until
 * `release()`.
 */
export interface PackedResponse {
  readonly address: number;
  readonly byteLength: number;
  /** How many of the bytes are head: an answer to HEAD sends only these. */
  readonly headByteLength: number;
  readonly lead?: PackedLead | undefined;
}

/** An upgraded connection as its new protocol sees it (RFC 9110 §7.8). */
export interface Tunnel {
  /**
   * Sends `bytes[start, end)`; what is taken is copied or sent before the call returns.
   * @returns bytes taken; fewer than all is back-pressure, and `onWritable` follows
   */
  write(bytes: Uint8Array, start: number, end: number): number;
  /** No more writes: the peer reads the end of the stream. What it still sends is read on. */
  shutdown(): void;
  /** Closes at once. */
  destroy(): void;
  pause(): void;
  resume(): void;
}

/** The new protocol of an upgraded connection. */
export interface TunnelHandler {
  /** `bytes[start, end)` were received; valid during the call only. */
  onData(bytes: Uint8Array, start: number, end: number): void;
  /** The peer finished sending. */
  onEnd(): void;
  /** The connection takes bytes again after a short write. */
  onWritable(): void;
  /** The connection is gone: exactly once, last. */
  onClose(): void;
  /** Comes about once a second. @param nowMs of a clock that never goes back */
  onTick?(nowMs: number): void;
  /** The server stops: end in good order soon. */
  onStop?(): void;
}

export interface ResponsePlan {
  /** Status and fields. Carries `Content-Length` whenever the length is known, never `Date` or `Connection`. */
  readonly head: ResponseHead;
  readonly body: PlanBody;
  readonly packed?: PackedResponse | undefined;
  /**
   * Fields of a `103 (Early Hints)` that may go before this answer, to clients of HTTP/1.1 and later (RFC 8297).
   * Executors may leave it out.
   */
  readonly earlyHints?: ResponseHead | undefined;
  /** Close the connection after this answer. */
  readonly close?: boolean;
  /** With status 101: what takes the connection over once the head is sent. */
  readonly upgrade?: (tunnel: Tunnel) => TunnelHandler;
  /** Gives the plan's reference back. Called exactly once by the executor. */
  release?(): void;
}

/** Something that answers every request below a path prefix. `@tz/static` makes them, `@tz/server` mounts them. */
export interface PlanMount {
  /** Starts with `/`; matches itself and whatever follows at a `/` boundary. `"/"` matches all. */
  readonly prefix: string;
  plan(request: PlanRequest): ResponsePlan | Promise<ResponsePlan>;
  /** Frees caches, descriptors and watches. */
  close?(): void | Promise<void>;
  /** What it can share with the same mount in other worker processes. Asked once, before requests come. */
  shared?(workers: number): SharedPart | undefined | Promise<SharedPart | undefined>;
}

/** Memory that several processes map. */
export interface SharedMemory {
  readonly bytes: Uint8Array;
  /** Where it begins in this process. */
  readonly address: number;
}

/** What a mount does with its part of the memory that workers share. */
export interface SharedPart {
  readonly byteLength: number;
  /** Prepares fresh memory (zeros), once, before anybody attaches. */
  create(memory: SharedMemory): void;
  /** This process takes part. */
  attach(memory: SharedMemory): void;
  /** A process that took part has ended, perhaps at any instruction. */
  recover(): void;
}
