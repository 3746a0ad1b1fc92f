import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "./constants.js";
import { Region } from "./region.js";

/** `sizeof(struct statx)`, on every processor. */
export const STAT_BYTES = 256;

/** Positions in `struct statx`, in 32-bit words. */
const WORD = { nlink: 4, uid: 5, gid: 6, mode: 7, ino: 8, size: 10, blocks: 12 } as const;
const TIME_WORD = { atime: 16, btime: 20, ctime: 24, mtime: 28 } as const;
const DEVICE_WORD = 34;

/**
 * Where `statx` and `fstat` write; read by getters, so that a call makes no object. Numbers throughout:
 * sizes and seconds are exact up to 2^53, an inode number above that is rounded.
 */
export class StatBuffer {
  readonly address: number;
  readonly #region: Region;
  readonly #words: Uint32Array;
  readonly #signed: Int32Array;

  constructor() {
    this.#region = Region.allocate(STAT_BYTES);
    this.address = this.#region.address;
    this.#words = this.#region.u32;
    this.#signed = this.#region.i32;
  }

  /** Type and permission bits (`S_IF*`). */
  get mode(): number {
    return this.#words[WORD.mode]! & 0xffff;
  }

  get size(): number {
    return this.#u64(WORD.size);
  }

  get ino(): number {
    return this.#u64(WORD.ino);
  }

  get nlink(): number {
    return this.#words[WORD.nlink]!;
  }

  get uid(): number {
    return this.#words[WORD.uid]!;
  }

  get gid(): number {
    return this.#words[WORD.gid]!;
  }

  /** In units of 512 bytes. */
  get blocks(): number {
    return this.#u64(WORD.blocks);
  }

  /** The device number as `node:fs` gives it (glibc's `makedev`). */
  get dev(): number {
    const major = this.#words[DEVICE_WORD]!;
    const minor = this.#words[DEVICE_WORD + 1]!;
    const low = ((major & 0xfff) << 8) | (minor & 0xff) | ((minor & 0xfff00) << 12);
    return (low >>> 0) + ((major & 0xfffff000) >>> 0) * 2 ** 32 + (minor >>> 20) * 2 ** 32;
  }

  get isFile(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  get isSymbolicLink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  /** Whole seconds since 1970, negative before. */
  get mtimeSec(): number {
    return this.#seconds(TIME_WORD.mtime);
  }

  /** Nanoseconds within the second. */
  get mtimeNsec(): number {
    return this.#words[TIME_WORD.mtime + 2]!;
  }

  get mtimeMs(): number {
    return this.mtimeSec * 1000 + this.mtimeNsec / 1e6;
  }

  get ctimeSec(): number {
    return this.#seconds(TIME_WORD.ctime);
  }

  get ctimeNsec(): number {
    return this.#words[TIME_WORD.ctime + 2]!;
  }

  get ctimeMs(): number {
    return this.ctimeSec * 1000 + this.ctimeNsec / 1e6;
  }

  release(): void {
    this.#region.release();
  }

  #u64(word: number): number {
    return this.#words[word]! + this.#words[word + 1]! * 4294967296;
  }

  #seconds(word: number): number {
    return this.#words[word]! + this.#signed[word + 1]! * 4294967296;
  }
}
