/** The parts of the heads of plain 200 answers, checked and made once per kind of file. */
import { ResponseHead } from "@tz/http1";
import { isHashedName } from "../negotiate/cache-control.js";
import type { ManifestFile, ResolvedOptions } from "../options.js";
import { describeFile, type FileDescription } from "../respond/file-description.js";

/** What a head needs to know of a file. */
export interface FileTimes {
  readonly byteLength: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
}

export interface HeadParts {
  /** Up to the value of `Content-Length`. */
  readonly before: Uint8Array;
  /** What follows the validators, with the empty line. */
  readonly after: Uint8Array;
}

const NO_VARIES: readonly string[] = [];
/** A separator, eight characters of hash and a dot. */
const HASH_AND_DOT_LENGTH_MIN = 10;
const KINDS_MAX = 256;

const DOT = 0x2e;
const SLASH = 0x2f;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;

/** Extensions whose characters fit into one small integer, 7 bits each. */
const SHORT_EXTENSION = 4;
/** A power of two. */
const SHORT_KINDS = 256;
/** Spreads the keys of extensions over the table: 2^32 divided by the golden ratio. */
const SPREAD = 0x9e3779b1;
const SHIFT = 24;

export class HeadPartsByName {
  readonly #options: ResolvedOptions;
  readonly #manifest: ReadonlyMap<string, ManifestFile>;
  /** Does the description follow from the extension, and from whether the name has a hash? */
  readonly #byExtension: boolean;
  readonly #plain = new Map<string, HeadParts>();
  readonly #hashed = new Map<string, HeadParts>();
  readonly #parts = new WeakMap<FileDescription, HeadParts>();
  /** The plain ones again, by the bytes of short extensions: the last of each place. */
  readonly #shortKeys = new Int32Array(SHORT_KINDS).fill(-1);
  readonly #shortParts: (HeadParts | undefined)[] = new Array(SHORT_KINDS).fill(undefined);

  constructor(options: ResolvedOptions, manifest: ReadonlyMap<string, ManifestFile>) {
    this.#options = options;
    this.#manifest = manifest;
    this.#byExtension =
      options.headers === undefined && manifest.size === 0 && typeof options.immutable !== "function";
  }

  /**
   * Of the file whose path is `bytes[start, end)`, in plain characters.
   * @throws what a callback of the options throws, and {@link HeadWriteError} for what it returned
   */
  partsOf(bytes: Uint8Array, start: number, end: number): HeadParts {
    const key = this.#byExtension ? shortExtensionKey(bytes, start, end) : -1;
    if (key < 0) return this.#partsOfText(textOf(bytes, start, end));
    const place = Math.imul(key, SPREAD) >>> SHIFT;
    if (this.#shortKeys[place] === key) return this.#shortParts[place]!;
    const parts = this.#partsOfText(textOf(bytes, start, end));
    this.#shortKeys[place] = key;
    this.#shortParts[place] = parts;
    return parts;
  }

  #partsOfText(path: string): HeadParts {
    if (!this.#byExtension) return this.#partsFrom(path);
    const slash = path.lastIndexOf("/");
    const dot = path.lastIndexOf(".");
    const extension = dot <= slash ? "" : path.slice(dot);
    const kinds = this.#options.immutable === "auto" && isHashedName(path) ? this.#hashed : this.#plain;
    const known = kinds.get(extension);
    if (known !== undefined) return known;
    const parts = this.#partsFrom(path);
    if (kinds.size >= KINDS_MAX) kinds.clear();
    kinds.set(extension, parts);
    return parts;
  }

  #partsFrom(path: string): HeadParts {
    const description = describeFile(path, this.#options, NO_VARIES, this.#manifest.get(path));
    let parts = this.#parts.get(description);
    if (parts === undefined) {
      const { mediaType, fields } = description;
      const ranges = this.#options.ranges ? ["Accept-Ranges", "bytes"] : [];
      const after = new ResponseHead(200, [...ranges, ...fields]);
      const before = Buffer.from(new ResponseHead(200, ["Content-Type", mediaType]).bytes);
      parts = {
        before: Buffer.concat([before.subarray(0, -2), Buffer.from("Content-Length: ", "latin1")]),
        after: Buffer.from(after.bytes),
      };
      this.#parts.set(description, parts);
    }
    return parts;
  }
}

const textOf = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");

/**
 * The extension as a number, for names that can carry no hash: -1 for all others, for long extensions and for none.
 */
function shortExtensionKey(bytes: Uint8Array, start: number, end: number): number {
  let key = 0;
  let at = end - 1;
  for (; at >= start && bytes[at] !== DOT; at--) {
    if (bytes[at] === SLASH || end - at > SHORT_EXTENSION) return -1;
    key = (key << 7) | bytes[at]!;
  }
  if (at < start || at === end - 1) return -1;
  // Is there a separator so far before the dot that a hash may lie between them?
  for (let i = at - 1; i >= start && bytes[i] !== SLASH; i--) {
    const byte = bytes[i];
    const isSeparator = byte === DOT || byte === DASH || byte === UNDERSCORE;
    if (isSeparator && at - i + 1 >= HASH_AND_DOT_LENGTH_MIN) return -1;
  }
  return key;
}
