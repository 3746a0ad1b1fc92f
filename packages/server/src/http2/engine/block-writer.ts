import { FLAG, FRAME, FRAME_HEAD_BYTES, MAX_FRAME_BYTES } from "../frames/frame.js";
import type { PeerSettings } from "../frames/peer-settings.js";
import { EMPTY_TABLE } from "../hpack/encoder.js";
import type { FrameCarrier } from "./frame-carrier.js";

const NO_BYTES = new Uint8Array(0);

/** Writes header blocks as frames, behind the word that the client's table stays empty where it is owed (RFC 7541 §4.2). */
export class BlockWriter {
  readonly #carrier: FrameCarrier;
  readonly #peer: PeerSettings;

  constructor(carrier: FrameCarrier, peer: PeerSettings) {
    this.#carrier = carrier;
    this.#peer = peer;
  }

  /** Sends `block` and `tail` as one header block, in several frames if it is long. */
  send(id: number, flags: number, block: Uint8Array, tail: Uint8Array): void {
    const owes = this.#peer.owesTableSize ? 1 : 0;
    const length = owes + block.byteLength + tail.byteLength;
    if (length > MAX_FRAME_BYTES) {
      this.#sendLong(id, flags, block, tail);
      return;
    }
    const { out } = this.#carrier;
    this.#carrier.room(length + FRAME_HEAD_BYTES);
    out.head(length, FRAME.headers, flags | FLAG.endHeaders, id);
    if (owes === 1) {
      out.bytes[out.at++] = EMPTY_TABLE;
      this.#peer.tableSizeSaid();
    }
    out.put(block);
    out.put(tail);
  }

  #sendLong(id: number, flags: number, block: Uint8Array, tail: Uint8Array): void {
    const all = Buffer.concat([
      this.#peer.owesTableSize ? Buffer.from([EMPTY_TABLE]) : NO_BYTES,
      block,
      tail,
    ]);
    if (this.#peer.owesTableSize) this.#peer.tableSizeSaid();
    const { out } = this.#carrier;
    for (let at = 0; at < all.byteLength; at += MAX_FRAME_BYTES) {
      const piece = all.subarray(at, at + MAX_FRAME_BYTES);
      const last = at + MAX_FRAME_BYTES >= all.byteLength ? FLAG.endHeaders : 0;
      this.#carrier.room(piece.byteLength + FRAME_HEAD_BYTES);
      out.head(
        piece.byteLength,
        at === 0 ? FRAME.headers : FRAME.continuation,
        at === 0 ? flags | last : last,
        id,
      );
      out.put(piece);
    }
  }
}
