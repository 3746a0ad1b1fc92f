/**
 * A peer's compression made of the documented one-shot functions of `node:zlib`, apart from the package's own
 * streams: every message is given the text before it as dictionary.
 */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

export interface PeerCompression {
  readonly windowBits: number;
  readonly takeover: boolean;
}

class Window {
  readonly #bytes: number;
  readonly #takeover: boolean;
  #text = Buffer.alloc(0);

  constructor({ windowBits, takeover }: PeerCompression) {
    this.#bytes = 2 ** windowBits;
    this.#takeover = takeover;
  }

  get options(): { dictionary?: Buffer } {
    return this.#text.length > 0 ? { dictionary: this.#text } : {};
  }

  add(text: Uint8Array): void {
    if (this.#takeover) this.#text = Buffer.concat([this.#text, text]).subarray(-this.#bytes);
  }
}

const TAIL = Buffer.of(0, 0, 0xff, 0xff);

export class PeerDeflate {
  readonly #windowBits: number;
  readonly #window: Window;

  constructor(compression: PeerCompression) {
    this.#windowBits = Math.max(9, compression.windowBits);
    this.#window = new Window(compression);
  }

  /** The payload of a compressed message. */
  message(text: Uint8Array): Buffer {
    const options = { windowBits: this.#windowBits, finishFlush: constants.Z_SYNC_FLUSH };
    const packed = deflateRawSync(text, { ...options, ...this.#window.options });
    this.#window.add(text);
    if (!packed.subarray(-4).equals(TAIL)) throw new Error("zlib did not flush");
    return packed.subarray(0, -4);
  }
}

export class PeerInflate {
  readonly #window: Window;

  constructor(compression: PeerCompression) {
    this.#window = new Window(compression);
  }

  message(payload: Uint8Array): Buffer {
    const packed = Buffer.concat([payload, TAIL]);
    const text = inflateRawSync(packed, { finishFlush: constants.Z_SYNC_FLUSH, ...this.#window.options });
    this.#window.add(text);
    return text;
  }
}
