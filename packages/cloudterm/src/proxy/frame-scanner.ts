import { CLOSE } from "@tz/ws";

/** What may pass. */
export interface FrameRules {
  /** Frames of this direction must be masked: those of a client. */
  readonly masked: boolean;
  /** An extension was agreed that uses RSV1. */
  readonly compressed: boolean;
  readonly maxMessageBytes: number;
  readonly maxFragments: number;
}

export interface FrameEvents {
  /** A control frame as a whole, unmasked payload. */
  onControl(opcode: number, payload: Uint8Array): void;
  /** The peer broke a rule: nothing more is taken. The bytes before the bad frame have passed. */
  onBroken(code: number, reason: string): void;
  /** `bytes[start, end)` may go on as they are. */
  onPass(bytes: Uint8Array, start: number, end: number): void;
  /**
   * Payload of a data frame, unmasked, in memory of its own that may be kept; only when there is somebody to see it.
   * @param last of its message
   */
  readonly onPayload?: ((opcode: number, payload: Uint8Array, last: boolean) => void) | undefined;
}

const FIN = 0x80;
const CONTROL = 0x08;
const HEAD_BYTES_MAX = 14;
const CONTROL_BYTES_MAX = 125;

/**
 * Follows the frames of one direction without touching them (RFC 6455 §5): heads are read and judged, payload goes on
 * as it came, masked or not. Control frames are taken out as a whole, for whoever answers, changes or passes them.
 */
export class FrameScanner {
  readonly #rules: FrameRules;
  readonly #events: FrameEvents;
  /** A head or a control frame that came in pieces. */
  #held = Buffer.allocUnsafe(HEAD_BYTES_MAX + CONTROL_BYTES_MAX);
  #heldBytes = 0;
  /** Payload that is still to come of the frame at hand. */
  #left = 0;
  #messageOpcode = 0;
  #messageBytes = 0;
  #fragments = 0;
  #fin = false;
  #key = 0;
  #keyAt = 0;
  #broken = false;

  constructor(rules: FrameRules, events: FrameEvents) {
    this.#rules = rules;
    this.#events = events;
  }

  /** No frame is cut at this moment: another one may be put in between. */
  get betweenFrames(): boolean {
    return this.#left === 0;
  }

  scan(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    // What passes at once: from here to `at`.
    let passFrom = start;
    while (at < end && !this.#broken) {
      if (this.#left > 0) {
        const piece = Math.min(this.#left, end - at);
        this.#payload(bytes, at, at + piece);
        at += piece;
        continue;
      }
      if (this.#heldBytes > 0) {
        at = this.#continueHeld(bytes, at, end);
        passFrom = at;
        continue;
      }
      const length = this.#headLength(bytes, at, end);
      if (this.#broken) break;
      const isControl = length > 0 && (bytes[at]! & CONTROL) !== 0;
      const whole = isControl ? length + (bytes[at + 1]! & 0x7f) : length;
      if (length > 0 && !isControl) {
        this.#begin(bytes, at);
        if (this.#broken) break;
        at += length;
        if (this.#left === 0) this.#payload(bytes, at, at);
        continue;
      }
      // A cut head, or a control frame: out of what passes.
      this.#pass(bytes, passFrom, at);
      if (length > 0 && at + whole <= end) {
        this.#control(bytes, at, length);
        at += whole;
      } else {
        this.#held.set(bytes.subarray(at, end));
        this.#heldBytes = end - at;
        at = end;
      }
      passFrom = at;
    }
    this.#pass(bytes, passFrom, at);
  }

  /** A head or control frame that was cut: byte by byte until it is whole. */
  #continueHeld(bytes: Uint8Array, start: number, end: number): number {
    const held = this.#held;
    let at = start;
    while (at < end) {
      held[this.#heldBytes++] = bytes[at++]!;
      const length = this.#headLength(held, 0, this.#heldBytes);
      if (this.#broken) return at;
      if (length === 0) continue;
      if ((held[0]! & CONTROL) === 0) {
        this.#begin(held, 0);
        if (this.#broken) return at;
        this.#heldBytes = 0;
        // Its bytes are reused, and a pass may be kept: a copy.
        this.#pass(Buffer.from(held.subarray(0, length)), 0, length);
        if (this.#left === 0) this.#payload(held, 0, 0);
        return at;
      }
      if (this.#heldBytes < length + (held[1]! & 0x7f)) continue;
      this.#heldBytes = 0;
      this.#control(held, 0, length);
      return at;
    }
    return at;
  }

  /** @returns bytes of the head at `at`; 0 when it is cut */
  #headLength(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 1) return 0;
    const first = bytes[at]!;
    const opcode = first & 0x0f;
    const rsv = first & (this.#rules.compressed ? 0x30 : 0x70);
    if (rsv !== 0) return this.#fail(CLOSE.protocolError, "a reserved bit");
    if (opcode > 0x0a || (opcode > 0x02 && opcode < 0x08))
      return this.#fail(CLOSE.protocolError, "an opcode");
    if (end - at < 2) return 0;
    const second = bytes[at + 1]!;
    const length = second & 0x7f;
    if (((second & 0x80) !== 0) !== this.#rules.masked) return this.#fail(CLOSE.protocolError, "masking");
    if ((opcode & CONTROL) !== 0 && (length > CONTROL_BYTES_MAX || (first & FIN) === 0)) {
      return this.#fail(CLOSE.protocolError, "a control frame");
    }
    const size = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (this.#rules.masked ? 4 : 0);
    return end - at < size ? 0 : size;
  }

  /** A data frame begins. */
  #begin(bytes: Uint8Array, at: number): void {
    const { maxMessageBytes, maxFragments, masked } = this.#rules;
    const opcode = bytes[at]! & 0x0f;
    const inMessage = this.#fragments > 0;
    if ((opcode === 0) !== inMessage) {
      this.#fail(CLOSE.protocolError, "fragments out of order");
      return;
    }
    let length = bytes[at + 1]! & 0x7f;
    let next = at + 2;
    if (length === 126) {
      length = (bytes[next]! << 8) | bytes[next + 1]!;
      next += 2;
    } else if (length === 127) {
      length = 0;
      for (let i = 0; i < 8; i++) length = length * 256 + bytes[next + i]!;
      next += 8;
    }
    if (!inMessage) {
      this.#messageOpcode = opcode;
      this.#messageBytes = 0;
    }
    this.#messageBytes += length;
    this.#fragments++;
    if (this.#messageBytes > maxMessageBytes) {
      this.#fail(CLOSE.messageTooBig, `a message above ${maxMessageBytes} bytes`);
    } else if (this.#fragments > maxFragments) {
      this.#fail(CLOSE.policyViolation, `a message of more than ${maxFragments} frames`);
    } else {
      this.#left = length;
      this.#fin = (bytes[at]! & FIN) !== 0;
      if (masked) this.#key = keyAt(bytes, next);
      this.#keyAt = 0;
      if (this.#fin) this.#fragments = 0;
    }
  }

  #payload(bytes: Uint8Array, start: number, end: number): void {
    this.#left -= end - start;
    const { onPayload } = this.#events;
    if (onPayload === undefined) return;
    const part = bytes.subarray(start, end);
    // A copy in any case: the next read, of whatever connection, comes into the same memory.
    const payload = this.#rules.masked ? unmasked(part, this.#key, this.#keyAt) : Buffer.from(part);
    this.#keyAt = (this.#keyAt + payload.length) & 3;
    onPayload(this.#messageOpcode, payload, this.#fin && this.#left === 0);
  }

  #control(bytes: Uint8Array, at: number, headLength: number): void {
    const start = at + headLength;
    const payload = bytes.subarray(start, start + (bytes[at + 1]! & 0x7f));
    const plain = this.#rules.masked ? unmasked(payload, keyAt(bytes, start - 4), 0) : Buffer.from(payload);
    this.#events.onControl(bytes[at]! & 0x0f, plain);
  }

  #pass(bytes: Uint8Array, start: number, end: number): void {
    if (start < end) this.#events.onPass(bytes, start, end);
  }

  #fail(code: number, what: string): number {
    this.#broken = true;
    queueMicrotask(() => this.#events.onBroken(code, what));
    return 0;
  }
}

/** Big-endian, so that byte `i` of it is the mask of payload byte `i`. */
function keyAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function unmasked(payload: Uint8Array, key: number, keyAt: number): Buffer {
  const plain = Buffer.from(payload);
  for (let i = 0; i < plain.length; i++) plain[i]! ^= (key >>> (24 - 8 * ((i + keyAt) & 3))) & 0xff;
  return plain;
}
