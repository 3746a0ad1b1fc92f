import { MSGHDR_BYTES } from "./address-check.js";
import { Region } from "./region.js";
import {
  decodeSocketAddress,
  encodeSocketAddress,
  SOCKET_ADDRESS_BYTES,
  type SocketAddress,
} from "./socket-address.js";

/** Positions in `struct msghdr`, in 32-bit words. */
const WORD = {
  name: 0,
  nameLength: 2,
  vector: 4,
  count: 6,
  control: 8,
  controlLength: 10,
  flags: 12,
} as const;

/**
 * A `struct msghdr` for `sendmsg` and `recvmsg`, with room for one socket address. The vector and the control
 * bytes belong to the caller. Setting them allocates nothing.
 */
export class MessageHeader {
  readonly address: number;
  readonly #region: Region;
  readonly #words: Uint32Array;

  constructor() {
    this.#region = Region.allocate(MSGHDR_BYTES + SOCKET_ADDRESS_BYTES);
    this.address = this.#region.address;
    this.#words = this.#region.u32;
  }

  /** The iovec array to send or to fill. */
  setVector(address: number, count: number): void {
    this.#setWord(WORD.vector, address);
    this.#setWord(WORD.count, count);
  }

  /** Ancillary data (cmsg(3)): what to send, or the room to receive it in. */
  setControl(address: number, byteLength: number): void {
    this.#setWord(WORD.control, address);
    this.#setWord(WORD.controlLength, byteLength);
  }

  /** The destination of `sendmsg` on an unconnected socket. @throws BadArgumentError for a malformed address */
  setName(name: SocketAddress): void {
    const length = encodeSocketAddress(name, this.#nameView());
    this.#setWord(WORD.name, this.#region.addressOf(MSGHDR_BYTES, length));
    this.#words[WORD.nameLength] = length;
  }

  /** Makes `recvmsg` fill in the sender. Before every call: the kernel overwrites the length. */
  receiveName(): void {
    this.#setWord(WORD.name, this.#region.addressOf(MSGHDR_BYTES, SOCKET_ADDRESS_BYTES));
    this.#words[WORD.nameLength] = SOCKET_ADDRESS_BYTES;
  }

  clearName(): void {
    this.#setWord(WORD.name, 0);
    this.#words[WORD.nameLength] = 0;
  }

  /** The sender that the last `recvmsg` filled in. */
  get name(): SocketAddress {
    return decodeSocketAddress(this.#nameView(), this.#words[WORD.nameLength]!);
  }

  /** Bytes of ancillary data that the last `recvmsg` stored. */
  get controlByteLength(): number {
    return this.#words[WORD.controlLength]!;
  }

  /** `MSG_TRUNC` and the like, set by `recvmsg`. */
  get flags(): number {
    return this.#words[WORD.flags]!;
  }

  release(): void {
    this.#region.release();
  }

  #nameView(): DataView {
    const { bytes } = this.#region;
    return new DataView(bytes.buffer, bytes.byteOffset + MSGHDR_BYTES, SOCKET_ADDRESS_BYTES);
  }

  #setWord(word: number, value: number): void {
    this.#words[word] = value;
    this.#words[word + 1] = value / 4294967296;
  }
}
