import { WsError } from "./errors.js";
import { readKey, rotateKey } from "./mask.js";
import {
  CONTROL_BIT,
  CONTROL_PAYLOAD_BYTES_MAX,
  FIN,
  HEAD_BYTES_MAX,
  LENGTH_16,
  LENGTH_64,
  LENGTH_BITS,
  MASKED,
  OPCODE,
  OPCODE_BITS,
  type Role,
  RSV1,
  RSV2_AND_3,
} from "./opcode.js";
import type { Workspace } from "./workspace.js";

/**
 * What a {@link FrameParser} reports. `bytes[start, end)` is unmasked and valid during the call only: it lies
 * in the workspace, or in the parser's buffer for a control frame that came in pieces.
 */
export interface FrameEvents {
  /** A data frame that lies in the received bytes as a whole. `first` is its first byte. */
  onFrame(first: number, bytes: Uint8Array, start: number, end: number, ascii: boolean): void;
  /** A data frame begins of which more bytes are to come. */
  onFrameStart(first: number, length: number): void;
  /** The next bytes of that frame; never none. */
  onFrameData(bytes: Uint8Array, start: number, end: number, ascii: boolean): void;
  onFrameEnd(): void;
  /** A control frame. Frames of a message may surround it. */
  onControl(opcode: number, bytes: Uint8Array, start: number, end: number): void;
  /** The peer broke the protocol. Nothing is reported after it. */
  onFrameError(error: WsError): void;
}

export interface FrameLimits {
  /** Sum of the payload lengths of one message's frames. */
  readonly maxMessageBytes: number;
  /** The same for a message whose first frame has RSV1 set: it may grow a little when compressed. */
  readonly maxCompressedBytes: number;
}

/** What {@link FrameParser.parse} expects next. */
const HEAD = 0;
const DATA = 1;
const CONTROL = 2;

/** What {@link FrameParser.readHead} found besides the length of the head. */
const INCOMPLETE = 0;
const BROKEN = -1;

/**
 * RFC 6455 §5 frames from bytes at any split: strict, no allocation for a whole frame.
 *
 * It reads and unmasks in the memory of a {@link Workspace}. A frame that lies there as a whole is one event;
 * of a longer one every piece is reported as it comes, so the parser itself never holds more than a head
 * (14 bytes) or a control frame (125 bytes).
 */
export class FrameParser {
  /** Set by a listener: `parse` returns after the event at hand. */
  halted = false;
  /** An error was reported, or a listener called `stop`: `parse` takes nothing any more. */
  failed = false;

  readonly #workspace: Workspace;
  readonly #events: FrameEvents;
  readonly #limits: FrameLimits;
  /** The mask bit that frames must have: 0x80 from a client, 0 from a server. */
  readonly #maskBit: number;
  /** Bits of the first byte that may not be set where a message begins. */
  readonly #reservedBits: number;

  #expects = HEAD;
  /** Inside a message of several frames. */
  #inMessage = false;
  #messageBytes = 0;
  #messageBytesMax = 0;

  // The frame at hand.
  #first = 0;
  #length = 0;
  #key = 0;
  #remaining = 0;

  /** A head or a control payload that is cut. */
  #held: Uint8Array | undefined = undefined;
  #heldLength = 0;

  /**
   * @param role which end this is: a server accepts only masked frames, a client only unmasked ones
   * @param compression RSV1 is negotiated (RFC 7692 §6)
   */
  constructor(
    role: Role,
    workspace: Workspace,
    events: FrameEvents,
    limits: FrameLimits,
    compression: boolean,
  ) {
    this.#maskBit = role === "server" ? MASKED : 0;
    this.#reservedBits = compression ? RSV2_AND_3 : RSV2_AND_3 | RSV1;
    this.#workspace = workspace;
    this.#events = events;
    this.#limits = limits;
  }

  /** For a listener that found an error in what it was given: nothing is reported any more. */
  stop(): void {
    this.failed = true;
  }

  /**
   * Takes the bytes `[start, end)` of the workspace and unmasks them in place.
   *
   * @returns `end`, or where it stopped because a listener set `halted` or the peer broke the protocol
   */
  parse(start: number, end: number): number {
    let at = start;
    if (this.failed || this.halted) return at;
    if (this.#expects !== HEAD || this.#heldLength > 0) {
      at = this.#continue(at, end);
      if (this.halted || this.failed) return at;
    }
    const { bytes, kernel } = this.#workspace;
    while (at < end) {
      const headLength = this.#readHead(bytes, at, end);
      if (headLength <= INCOMPLETE) {
        if (headLength === BROKEN) return at;
        this.#hold(bytes, at, end);
        return end;
      }
      const from = at + headLength;
      const to = from + this.#length;
      if (to > end) {
        this.#begin();
        at = this.#continue(from, end);
      } else {
        const ascii = kernel.mask(from, to, this.#key) === 0;
        at = to;
        if ((this.#first & CONTROL_BIT) === 0) this.#events.onFrame(this.#first, bytes, from, to, ascii);
        else this.#events.onControl(this.#first & OPCODE_BITS, bytes, from, to);
      }
      if (this.halted || this.failed) return at;
    }
    return at;
  }

  /**
   * Reads the head at `at` and checks all that can be checked before the payload.
   *
   * @returns its length, INCOMPLETE, or BROKEN after the error was reported
   */
  #readHead(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 2) return INCOMPLETE;
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    if ((second & MASKED) !== this.#maskBit) {
      return this.#fail(
        "TZ_WS_MASK",
        this.#maskBit === 0 ? "a masked frame from a server" : "an unmasked frame from a client",
      );
    }
    let length = second & LENGTH_BITS;
    let headLength = 2;
    const kind = this.#checkFirst(first, length);
    if (kind === BROKEN) return BROKEN;
    if (length === LENGTH_16) {
      if (end - at < 4) return INCOMPLETE;
      length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      headLength = 4;
      if (length < LENGTH_16) return this.#fail("TZ_WS_LENGTH", `length ${length} in 16 bits`);
    } else if (length === LENGTH_64) {
      if (end - at < 10) return INCOMPLETE;
      length = readLength64(bytes, at + 2);
      headLength = 10;
      if (bytes[at + 2]! >= 0x80)
        return this.#fail("TZ_WS_LENGTH", "a 64-bit length with its highest bit set");
      if (length < 0x10000) return this.#fail("TZ_WS_LENGTH", `length ${length} in 64 bits`);
    }
    if ((first & CONTROL_BIT) === 0 && !this.#checkSize(first, length)) return BROKEN;
    if (this.#maskBit !== 0) {
      headLength += 4;
      if (end - at < headLength) return INCOMPLETE;
      this.#key = readKey(bytes, at + headLength - 4);
    }
    this.#first = first;
    this.#length = length;
    if ((first & CONTROL_BIT) === 0) this.#count(first, length);
    return headLength;
  }

  /** RSV bits, opcode, order of fragments, form of control frames. @returns BROKEN or 0 */
  #checkFirst(first: number, length: number): number {
    const opcode = first & OPCODE_BITS;
    if (opcode >= CONTROL_BIT) {
      if (opcode > OPCODE.pong) return this.#fail("TZ_WS_OPCODE", `opcode ${opcode}`);
      if ((first & (RSV1 | RSV2_AND_3)) !== 0)
        return this.#fail("TZ_WS_RSV", "a reserved bit on a control frame");
      if ((first & FIN) === 0) return this.#fail("TZ_WS_CONTROL_FRAGMENT");
      if (length > CONTROL_PAYLOAD_BYTES_MAX) return this.#fail("TZ_WS_CONTROL_LENGTH");
      if (length === 1 && opcode === OPCODE.close) return this.#fail("TZ_WS_CLOSE_LENGTH");
      return 0;
    }
    if (opcode > OPCODE.binary) return this.#fail("TZ_WS_OPCODE", `opcode ${opcode}`);
    if (opcode === OPCODE.continuation) {
      if ((first & (RSV1 | RSV2_AND_3)) !== 0)
        return this.#fail("TZ_WS_RSV", "a reserved bit on a continuation");
      if (!this.#inMessage) return this.#fail("TZ_WS_CONTINUATION", "a continuation without a message");
      return 0;
    }
    if ((first & this.#reservedBits) !== 0) return this.#fail("TZ_WS_RSV");
    if (this.#inMessage) return this.#fail("TZ_WS_CONTINUATION", "a new message inside another");
    return 0;
  }

  #checkSize(first: number, length: number): boolean {
    const begun = this.#inMessage;
    const max = begun ? this.#messageBytesMax : this.#maxFor(first);
    const total = begun ? this.#messageBytes + length : length;
    if (total <= max) return true;
    this.#fail("TZ_WS_MESSAGE_SIZE", `a message of at least ${total} bytes, ${max} are allowed`);
    return false;
  }

  #maxFor(first: number): number {
    return (first & RSV1) === 0 ? this.#limits.maxMessageBytes : this.#limits.maxCompressedBytes;
  }

  /** Called once a head: where the message stands after this data frame. */
  #count(first: number, length: number): void {
    if ((first & FIN) !== 0) {
      this.#inMessage = false;
      return;
    }
    if (this.#inMessage) {
      this.#messageBytes += length;
      return;
    }
    this.#inMessage = true;
    this.#messageBytes = length;
    this.#messageBytesMax = this.#maxFor(first);
  }

  /** A payload of which not all is here. */
  #begin(): void {
    this.#remaining = this.#length;
    if ((this.#first & CONTROL_BIT) !== 0) {
      this.#expects = CONTROL;
      this.#heldLength = 0;
    } else {
      this.#expects = DATA;
      this.#events.onFrameStart(this.#first, this.#length);
    }
  }

  /** Goes on where the last call was cut. @returns where the next head begins, or `end` */
  #continue(start: number, end: number): number {
    if (this.#expects === HEAD) return this.#continueHead(start, end);
    if (this.#expects === CONTROL) return this.#continueControl(start, end);
    return this.#continueData(start, end);
  }

  /** Completes a cut head in the held bytes, then reads it from there. */
  #continueHead(start: number, end: number): number {
    const held = this.#held!;
    let at = start;
    while (at < end) {
      held[this.#heldLength++] = this.#workspace.bytes[at++]!;
      const headLength = this.#readHead(held, 0, this.#heldLength);
      if (headLength === BROKEN) return at;
      if (headLength === INCOMPLETE) continue;
      this.#heldLength = 0;
      this.#held = undefined;
      this.#begin();
      return this.#continue(at, end);
    }
    return at;
  }

  #continueData(start: number, end: number): number {
    const to = Math.min(end, start + this.#remaining);
    if (to > start) {
      const ascii = this.#workspace.kernel.mask(start, to, this.#key) === 0;
      this.#key = rotateKey(this.#key, to - start);
      this.#remaining -= to - start;
      this.#events.onFrameData(this.#workspace.bytes, start, to, ascii);
      if (this.failed) return to;
    }
    if (this.#remaining === 0) {
      this.#expects = HEAD;
      this.#events.onFrameEnd();
    }
    return to;
  }

  #continueControl(start: number, end: number): number {
    const to = Math.min(end, start + this.#remaining);
    const { bytes, kernel } = this.#workspace;
    kernel.mask(start, to, this.#key);
    this.#key = rotateKey(this.#key, to - start);
    this.#remaining -= to - start;
    this.#hold(bytes, start, to);
    if (this.#remaining === 0) {
      const length = this.#heldLength;
      const held = this.#held!;
      this.#expects = HEAD;
      this.#heldLength = 0;
      this.#held = undefined;
      this.#events.onControl(this.#first & OPCODE_BITS, held, 0, length);
    }
    return to;
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const capacity = this.#expects === CONTROL ? this.#length : HEAD_BYTES_MAX;
    if (this.#held === undefined || this.#held.length < capacity)
      this.#held = new Uint8Array(Math.max(capacity, HEAD_BYTES_MAX));
    for (let at = start; at < end; at++) this.#held[this.#heldLength++] = bytes[at]!;
  }

  #fail(
    code:
      | "TZ_WS_MASK"
      | "TZ_WS_RSV"
      | "TZ_WS_OPCODE"
      | "TZ_WS_LENGTH"
      | "TZ_WS_CONTINUATION"
      | "TZ_WS_CONTROL_LENGTH"
      | "TZ_WS_CLOSE_LENGTH"
      | "TZ_WS_CONTROL_FRAGMENT"
      | "TZ_WS_MESSAGE_SIZE",
    message?: string,
  ): typeof BROKEN {
    this.failed = true;
    this.#events.onFrameError(new WsError(code, message));
    return BROKEN;
  }
}

/** An unsigned 64-bit length; above 2^53 it is not exact, but far above every limit. */
function readLength64(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  const low =
    ((bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!) >>> 0;
  return high * 2 ** 32 + low;
}
