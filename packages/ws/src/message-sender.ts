import type { Deflater } from "./deflate/deflater.js";
import type { FrameSender } from "./frame-sender.js";
import { FIN, OPCODE, RSV1 } from "./opcode.js";

export interface SendOptions {
  /** Send bytes as a text message; they must be UTF-8. Strings are always text. */
  readonly text?: boolean;
  /** Compress, or not, whatever the threshold says. Decided by the first frame of a message. */
  readonly compress?: boolean;
  /** False when more of this message follows. Default: true. */
  readonly fin?: boolean;
}

interface Waiting {
  readonly payload: Uint8Array;
  readonly isText: boolean;
  readonly fin: boolean;
  readonly compress: boolean | undefined;
}

/**
 * Messages to frames: opcodes of fragments, and compression. While a long message is compressed over several
 * turns, the messages after it wait here, so that their order stays.
 */
export class MessageSender {
  readonly #frames: FrameSender;
  readonly #deflater: Deflater | undefined;
  readonly #thresholdBytes: number;
  readonly #onIdle: () => void;
  #inMessage = false;
  #compressed = false;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  /** @param onIdle called when no message waits any more after some did */
  constructor(
    frames: FrameSender,
    deflater: Deflater | undefined,
    thresholdBytes: number,
    onIdle: () => void,
  ) {
    this.#frames = frames;
    this.#deflater = deflater;
    this.#thresholdBytes = thresholdBytes;
    this.#onIdle = onIdle;
  }

  /** A message is in work or waits for it. */
  get busy(): boolean {
    return this.#waiting.length > 0 || this.#deflater?.busy === true;
  }

  /** Payload bytes that are in work or wait for it. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  sendText(text: string, fin: boolean, compress: boolean | undefined): void {
    if (this.#deflater === undefined) {
      this.#frames.sendText(this.#firstByte(true, fin, false), text);
      return;
    }
    const byteLength = Buffer.byteLength(text, "utf8");
    if (this.busy || this.#compresses(byteLength, compress)) {
      this.#send(Buffer.from(text, "utf8"), 0, byteLength, true, fin, compress, true);
    } else {
      this.#frames.sendText(this.#firstByte(true, fin, false), text);
    }
  }

  /** The bytes are copied or sent before this returns. */
  send(
    bytes: Uint8Array,
    start: number,
    end: number,
    isText: boolean,
    fin: boolean,
    compress: boolean | undefined,
  ): void {
    this.#send(bytes, start, end, isText, fin, compress, false);
  }

  close(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#deflater?.close();
  }

  /** @param owned nobody else writes to the bytes any more */
  #send(
    bytes: Uint8Array,
    start: number,
    end: number,
    isText: boolean,
    fin: boolean,
    compress: boolean | undefined,
    owned: boolean,
  ): void {
    if (this.busy) this.#wait(bytes, start, end, isText, fin, compress, owned);
    else this.#sendNow(bytes, start, end, isText, fin, compress, owned);
  }

  #sendNow(
    bytes: Uint8Array,
    start: number,
    end: number,
    isText: boolean,
    fin: boolean,
    compress: boolean | undefined,
    owned: boolean,
  ): void {
    if (!this.#compresses(end - start, compress)) {
      this.#frames.send(this.#firstByte(isText, fin, false), bytes, start, end);
    } else if (!this.#deflater!.isLong(end - start)) {
      this.#deflater!.deflate(bytes, start, end, fin);
      this.#sendDeflated(bytes, start, end, isText, fin);
    } else {
      this.#sendLater(kept(bytes, start, end, owned), isText, fin);
    }
  }

  #sendLater(payload: Uint8Array, isText: boolean, fin: boolean): void {
    this.#waitingBytes += payload.length;
    this.#deflater!.deflateLater(payload, fin, () => {
      this.#waitingBytes -= payload.length;
      this.#sendDeflated(payload, 0, payload.length, isText, fin);
      this.#proceed();
    });
  }

  /** What does not get shorter is sent as it is, unless the peer needs it for the window or the message began. */
  #sendDeflated(bytes: Uint8Array, start: number, end: number, isText: boolean, fin: boolean): void {
    const deflater = this.#deflater!;
    const plain = fin && !this.#inMessage && !deflater.takeover && deflater.length >= end - start;
    const first = this.#firstByte(isText, fin, !plain);
    if (plain) this.#frames.send(first, bytes, start, end);
    else this.#frames.send(first, deflater.output, 0, deflater.length);
    deflater.release();
  }

  #compresses(byteLength: number, compress: boolean | undefined): boolean {
    if (this.#deflater === undefined) return false;
    if (this.#inMessage) return this.#compressed;
    return compress ?? byteLength >= this.#thresholdBytes;
  }

  /** The first byte of the next frame; moves on to the state after it. */
  #firstByte(isText: boolean, fin: boolean, compressed: boolean): number {
    let first = fin ? FIN : 0;
    if (!this.#inMessage) {
      first |= (isText ? OPCODE.text : OPCODE.binary) | (compressed ? RSV1 : 0);
      this.#compressed = compressed;
    }
    this.#inMessage = !fin;
    return first;
  }

  #wait(
    bytes: Uint8Array,
    start: number,
    end: number,
    isText: boolean,
    fin: boolean,
    compress: boolean | undefined,
    owned: boolean,
  ): void {
    const payload = kept(bytes, start, end, owned);
    this.#waitingBytes += payload.length;
    this.#waiting.push({ payload, isText, fin, compress });
  }

  #proceed(): void {
    this.#frames.cork();
    while (this.#waiting.length > 0 && this.#deflater?.busy !== true) {
      const { payload, isText, fin, compress } = this.#waiting.shift()!;
      this.#waitingBytes -= payload.length;
      this.#sendNow(payload, 0, payload.length, isText, fin, compress, true);
    }
    this.#frames.uncork();
    if (!this.busy) this.#onIdle();
  }
}

/** Bytes that stay: a copy unless nobody else writes to them. */
function kept(bytes: Uint8Array, start: number, end: number, owned: boolean): Uint8Array {
  const range = bytes.subarray(start, end);
  return owned ? range : Buffer.from(range);
}
