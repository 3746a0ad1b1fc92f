import { CacheError, shown } from "../errors.js";
import { mix32 } from "../policy/key-hash.js";

/** Longer keys are refused. */
export const KEY_BYTES_MAX = 4096;

const FNV_PRIME = 0x01000193;

/**
 * A key as bytes with its hash, reused for each call: strings are taken as UTF-8, so a string and its UTF-8 bytes are
 * one key.
 */
export class KeyReader {
  bytes: Uint8Array;
  start = 0;
  length = 0;
  /** 32 bits, signed. Seeded for each cache, so that nobody outside can make chains long. */
  hash = 0;
  readonly #scratch = new Uint8Array(KEY_BYTES_MAX);
  readonly #encoder = new TextEncoder();
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.bytes = this.#scratch;
  }

  /** @throws CacheError `TZ_CACHE_KEY` */
  read(key: string | Uint8Array): void {
    if (typeof key === "string") this.#readString(key);
    else if (key instanceof Uint8Array) this.readBytes(key, 0, key.length);
    else throw new CacheError("TZ_CACHE_KEY", `a key is ${shown(key)}, must be a string or bytes`);
  }

  /** @throws CacheError `TZ_CACHE_KEY` */
  readBytes(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (!(length > 0 && length <= KEY_BYTES_MAX && start >= 0 && end <= bytes.length)) refuseLength(length);
    let hash = this.#seed;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
    this.#set(bytes, start, length, hash);
  }

  #readString(key: string): void {
    const { length } = key;
    if (length === 0 || length > KEY_BYTES_MAX) refuseLength(length);
    const scratch = this.#scratch;
    let hash = this.#seed;
    for (let at = 0; at < length; at++) {
      const unit = key.charCodeAt(at);
      if (unit > 0x7f) {
        this.#readUnicode(key);
        return;
      }
      scratch[at] = unit;
      hash = Math.imul(hash ^ unit, FNV_PRIME);
    }
    this.#set(scratch, 0, length, hash);
  }

  #readUnicode(key: string): void {
    const { read, written } = this.#encoder.encodeInto(key, this.#scratch);
    if (read < key.length) refuseLength(key.length * 3);
    this.readBytes(this.#scratch, 0, written);
  }

  #set(bytes: Uint8Array, start: number, length: number, hash: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    this.hash = mix32(hash);
  }
}

function refuseLength(length: number): never {
  throw new CacheError(
    "TZ_CACHE_KEY",
    `a key of ${length} bytes, must be from 1 to ${KEY_BYTES_MAX} bytes inside its buffer`,
  );
}
