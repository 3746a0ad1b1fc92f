import {
  CODE,
  DEFAULT_WINDOW,
  LARGEST_FRAME_BYTES,
  LARGEST_WINDOW,
  MAX_FRAME_BYTES,
  SETTING,
  SETTING_BYTES,
} from "./frame.js";

/** What the client has said of itself (RFC 9113 §6.5). */
export class PeerSettings {
  initialWindow = DEFAULT_WINDOW;
  maxFrameBytes = MAX_FRAME_BYTES;
  /** It was told that a table may be smaller than at the start, and must hear that ours is (RFC 7541 §4.2). */
  owesTableSize = false;
  #emptied = false;

  /** Reads a frame's payload. @returns 0, or the code that the connection ends with */
  read(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at += SETTING_BYTES) {
      const id = (bytes[at]! << 8) | bytes[at + 1]!;
      const value =
        bytes[at + 2]! * 2 ** 24 + ((bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!);
      if (id === SETTING.headerTableSize) {
        if (value < 4096 && !this.#emptied) this.owesTableSize = true;
      } else if (id === SETTING.enablePush) {
        if (value > 1) return CODE.protocolError;
      } else if (id === SETTING.initialWindowSize) {
        if (value > LARGEST_WINDOW) return CODE.flowControlError;
        this.initialWindow = value;
      } else if (id === SETTING.maxFrameSize) {
        if (value < MAX_FRAME_BYTES || value > LARGEST_FRAME_BYTES) return CODE.protocolError;
        this.maxFrameBytes = value;
      }
    }
    return 0;
  }

  /** The peer knows now that our table is empty: it stays so. */
  tableSizeSaid(): void {
    this.owesTableSize = false;
    this.#emptied = true;
  }
}
