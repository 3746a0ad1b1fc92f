import { DynamicTable } from "./dynamic-table.js";
import { FieldEntry, kindOfField, kindOfName } from "./field-entry.js";
import { HUFFMAN_TOO_LONG, huffmanDecode } from "./huffman.js";

/** The block cannot be read: the connection cannot go on (RFC 7541 §2.2). */
export const BLOCK_INVALID = -1;
/** A name or value is longer than anybody takes. */
export const BLOCK_TOO_LONG = -2;

const COLON = 0x3a;
const SPACE = 0x20;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
/** Integers beyond this mean nothing here, and could not be counted. */
const MAX_INTEGER = 2 ** 28;

/** Who takes the fields of a block, in order. */
export interface FieldSink {
  /** Where literals are decoded to, and from where on. The sink moves the place when it wants to keep what lies there. */
  readonly bytes: Uint8Array;
  scratch: number;
  /** A field of a table. */
  entry(entry: FieldEntry): void;
  /** A field that is in no table: `bytes[start, end)` is `name: value CRLF`, the name ends at `nameEnd`. */
  literal(kind: number, start: number, nameEnd: number, end: number): void;
}

/**
 * Decodes the header blocks of one peer, in their order: each may change what the next one means (RFC 7541). Every block
 * must be decoded, whether its request is wanted or not.
 */
export class HpackDecoder {
  readonly table: DynamicTable;
  readonly #maxTableBytes: number;
  readonly #maxStringBytes: number;
  /** Behind the integer or string that was read last. */
  #at = 0;

  /**
   * @param maxTableBytes what the peer was told (SETTINGS_HEADER_TABLE_SIZE)
   * @param maxStringBytes of a name, and of a value
   */
  constructor(maxTableBytes: number, maxStringBytes: number) {
    this.table = new DynamicTable(maxTableBytes);
    this.#maxTableBytes = maxTableBytes;
    this.#maxStringBytes = maxStringBytes;
  }

  /**
   * Decodes the block `bytes[start, end)`.
   * @returns 0, {@link BLOCK_INVALID} or {@link BLOCK_TOO_LONG}, after which the connection must end
   */
  decode(bytes: Uint8Array, start: number, end: number, sink: FieldSink): number {
    let at = start;
    let fields = 0;
    while (at < end) {
      const first = bytes[at]!;
      if (first >= 0x80) {
        // Indexed (§6.1).
        let index = first & 0x7f;
        if (index === 0x7f) {
          index = this.#integer(bytes, at, end, 0x7f);
          if (index < 0) return BLOCK_INVALID;
          at = this.#at;
        } else at++;
        const entry = this.table.find(index);
        if (entry === undefined) return BLOCK_INVALID;
        sink.entry(entry);
      } else if (first >= 0x40) {
        // With incremental indexing (§6.2.1).
        const result = this.#literal(bytes, at, end, 0x3f, true, sink);
        if (result < 0) return result;
        at = this.#at;
      } else if (first >= 0x20) {
        // A new size of the table (§6.3), in front of all fields (§4.2).
        const size = this.#integer(bytes, at, end, 0x1f);
        if (size < 0 || size > this.#maxTableBytes || fields > 0) return BLOCK_INVALID;
        this.table.resize(size);
        at = this.#at;
        continue;
      } else {
        // Without indexing, or never to be indexed (§6.2.2, §6.2.3).
        const result = this.#literal(bytes, at, end, 0x0f, false, sink);
        if (result < 0) return result;
        at = this.#at;
      }
      fields++;
    }
    return 0;
  }

  #literal(
    bytes: Uint8Array,
    at: number,
    end: number,
    mask: number,
    indexed: boolean,
    sink: FieldSink,
  ): number {
    const index = this.#integer(bytes, at, end, mask);
    if (index < 0) return BLOCK_INVALID;
    const target = sink.bytes;
    const start = sink.scratch;
    let nameEnd: number;
    let nameKind: number;
    if (index === 0) {
      nameEnd = this.#string(bytes, this.#at, end, target, start);
      if (nameEnd < 0) return nameEnd;
      nameKind = kindOfName(target, start, nameEnd);
    } else {
      const named = this.table.find(index);
      if (named === undefined) return BLOCK_INVALID;
      const { line } = named;
      nameEnd = start + named.nameEnd;
      nameKind = named.nameKind;
      for (let i = 0; i < named.nameEnd; i++) target[start + i] = line[i]!;
    }
    target[nameEnd] = COLON;
    target[nameEnd + 1] = SPACE;
    const valueEnd = this.#string(bytes, this.#at, end, target, nameEnd + 2);
    if (valueEnd < 0) return valueEnd;
    target[valueEnd] = CARRIAGE_RETURN;
    target[valueEnd + 1] = LINE_FEED;
    const lineEnd = valueEnd + 2;
    if (indexed) {
      const size = lineEnd - start + 28;
      if (this.table.takes(size)) {
        const line = new Uint8Array(lineEnd - start);
        line.set(target.subarray(start, lineEnd));
        const entry = new FieldEntry(line, nameEnd - start, nameKind);
        this.table.add(entry);
        sink.entry(entry);
        return 0;
      }
      this.table.makeRoom(size);
    }
    sink.literal(kindOfField(nameKind, target, nameEnd + 2, valueEnd), start, nameEnd, lineEnd);
    return 0;
  }

  /** A string (§5.2), copied to `target` from `to` on. @returns where it ends there, or an error */
  #string(bytes: Uint8Array, at: number, end: number, target: Uint8Array, to: number): number {
    if (at >= end) return BLOCK_INVALID;
    const huffman = bytes[at]! >= 0x80;
    const length = this.#integer(bytes, at, end, 0x7f);
    if (length < 0) return BLOCK_INVALID;
    const from = this.#at;
    if (length > end - from) return BLOCK_INVALID;
    if (length > this.#maxStringBytes) return BLOCK_TOO_LONG;
    this.#at = from + length;
    if (huffman) {
      const stop = huffmanDecode(bytes, from, from + length, target, to, to + this.#maxStringBytes);
      return stop === HUFFMAN_TOO_LONG ? BLOCK_TOO_LONG : stop < 0 ? BLOCK_INVALID : stop;
    }
    for (let i = 0; i < length; i++) target[to + i] = bytes[from + i]!;
    return to + length;
  }

  /** An integer (§5.1) whose first byte lies at `at`. @returns it, or -1 */
  #integer(bytes: Uint8Array, at: number, end: number, mask: number): number {
    let value = bytes[at++]! & mask;
    if (value === mask) {
      let shift = 0;
      for (;;) {
        // Five bytes say all that can be meant; more of them are an attack.
        if (at >= end || shift > 28) return -1;
        const byte = bytes[at++]!;
        value += (byte & 0x7f) * 2 ** shift;
        shift += 7;
        if (byte < 0x80) break;
      }
      if (value > MAX_INTEGER) return -1;
    }
    this.#at = at;
    return value;
  }
}
