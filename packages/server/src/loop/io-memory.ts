/**
 * The memory that the kernel reads from and writes to, one per worker. A `WebAssembly.Memory` whose initial size
 * is its maximum: its address never moves, and a WebAssembly scanner works on the bytes in place.
 *
 * ```
 *  0         64 K            128 K             192 K  +4 K                    +64 K
 *  ├─ tables ─┼─── headroom ──┼──── receive ────┼ fence ┼──────── send ────────┤
 *              unparsed bytes    recv() target     zeros   heads and small bodies
 *              of a cut request                            of coalesced answers
 *
 *  256 K            384 K             512 K             640 K
 *  ├─── staging ─────┼──── frames ──────┼───── secure ─────┤
 *   WebSocket bytes    WebSocket frames   plain bytes of TLS
 *   from elsewhere     on their way out   records
 *
 *  640 K        704 K           832 K              1088 K
 *  ├─── out ──────┼──── text ─────┼───── scratch ─────┤
 *   HTTP/2 frames  a request's     its fields as they
 *   on their way   head, decoded   are decoded
 * ```
 *
 * A request that was cut in the middle keeps its bytes in its connection; when more arrive they are copied into
 * the headroom, directly before the new ones, and the whole is parsed in place. So an idle connection holds no
 * buffer, and a request costs a copy only when it really came in pieces.
 */
const KIB = 1024;
const PAGE_BYTES = 64 * KIB;

const TABLES_START = 1 * KIB;
const HEADROOM_START = 64 * KIB;
const RECEIVE_START = 128 * KIB;
const RECEIVE_END = 192 * KIB;
/** The scanner may load whole vectors past the end of the data. */
const FENCE_BYTES = 4 * KIB;
const SEND_START = RECEIVE_END + FENCE_BYTES;
const SEND_BYTES = 60 * KIB;
const STAGING_START = 256 * KIB;
const FRAMES_START = 384 * KIB;
const FRAMES_END = 512 * KIB;
const SECURE_END = 640 * KIB;
const HTTP2_OUT_END = 704 * KIB;
const HTTP2_TEXT_END = 832 * KIB;
const HTTP2_SCRATCH_END = 1088 * KIB;
const TOTAL_PAGES = 17;

/** What of `WebAssembly.Memory` is used here; its global type comes with browser libraries only. */
export interface FixedMemory {
  readonly buffer: ArrayBuffer;
}

declare const WebAssembly: {
  readonly Memory: new (descriptor: { initial: number; maximum: number }) => FixedMemory;
};

export class IoMemory {
  readonly memory: FixedMemory;
  readonly bytes: Uint8Array;
  readonly buffer: Buffer;
  readonly tableOffset = TABLES_START;
  /** Longest unparsed rest that fits in front of newly received bytes. */
  readonly headroomBytes = RECEIVE_START - HEADROOM_START;
  readonly receiveStart = RECEIVE_START;
  readonly receiveBytes = RECEIVE_END - RECEIVE_START;
  readonly sendStart = SEND_START;
  readonly sendBytes = SEND_BYTES;
  /** Where bytes are put together, and files read, for TLS. */
  readonly secureStart = FRAMES_END;
  readonly secureBytes = SECURE_END - FRAMES_END;
  /** Where WebSocket connections work. */
  readonly staging = { start: STAGING_START, end: FRAMES_START } as const;
  readonly frames = { start: FRAMES_START, end: FRAMES_END } as const;
  /** Where HTTP/2 connections work. Behind the text there is room for the scanner to read ahead. */
  readonly http2 = {
    out: { start: SECURE_END, end: HTTP2_OUT_END },
    text: { start: HTTP2_OUT_END, end: HTTP2_TEXT_END },
    scratch: { start: HTTP2_TEXT_END, end: HTTP2_SCRATCH_END },
  } as const;

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: TOTAL_PAGES, maximum: TOTAL_PAGES });
    this.bytes = new Uint8Array(this.memory.buffer);
    this.buffer = Buffer.from(this.memory.buffer);
    if (SEND_START + SEND_BYTES > STAGING_START || HTTP2_SCRATCH_END > TOTAL_PAGES * PAGE_BYTES)
      throw new RangeError("I/O memory layout does not fit");
  }
}
