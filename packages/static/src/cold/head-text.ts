/** Heads of plain 200 answers, put together from parts that are checked and made once per kind of file. */
import { httpDate, ResponseHead } from "@tz/http1";
import { isHashedName } from "../negotiate/cache-control.js";
import type { ManifestFile, ResolvedOptions } from "../options.js";
import { describeFile, type FileDescription } from "../respond/file-description.js";
import { statusTag } from "../respond/validators.js";

/** What a head needs to know of a file. */
export interface FileTimes {
  readonly byteLength: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
}

interface HeadParts {
  /** Up to the value of `Content-Length`. */
  readonly before: string;
  /** What follows the validators, with the empty line. */
  readonly after: string;
}

const NO_VARIES: readonly string[] = [];
/** A separator, eight characters of hash and a dot. */
const HASHED_NAME_LENGTH_MIN = 10;
const KINDS_MAX = 256;
/** Files of one deployment have few dates. A power of two. */
const DATES = 64;

export class HeadTexts {
  readonly #options: ResolvedOptions;
  readonly #manifest: ReadonlyMap<string, ManifestFile>;
  /** Does the description follow from the extension, and from whether the name has a hash? */
  readonly #byExtension: boolean;
  readonly #plain = new Map<string, HeadParts>();
  readonly #hashed = new Map<string, HeadParts>();
  readonly #parts = new WeakMap<FileDescription, HeadParts>();
  readonly #dateSeconds = new Float64Array(DATES).fill(Number.NaN);
  readonly #dates: string[] = new Array(DATES).fill("");

  constructor(options: ResolvedOptions, manifest: ReadonlyMap<string, ManifestFile>) {
    this.#options = options;
    this.#manifest = manifest;
    this.#byExtension =
      options.headers === undefined && manifest.size === 0 && typeof options.immutable !== "function";
  }

  /**
   * The fields of a 200 with the whole file, in the order of every other 200.
   * @throws what a callback of the options throws, and {@link HeadWriteError} for what it returned
   */
  textFor(path: string, file: FileTimes, nowMs: number): string {
    const { before, after } = this.#partsOf(path);
    const { byteLength, mtimeSeconds } = file;
    let text = `${before}${byteLength}\r\n`;
    if (this.#options.lastModified && mtimeSeconds * 1000 <= nowMs) {
      text += `Last-Modified: ${this.#date(mtimeSeconds)}\r\n`;
    }
    if (this.#options.etag !== false) text += `ETag: ${statusTag(file, "")}\r\n`;
    return text + after;
  }

  #partsOf(path: string): HeadParts {
    if (!this.#byExtension) return this.#partsFrom(path);
    const slash = path.lastIndexOf("/");
    const dot = path.lastIndexOf(".");
    const extension = dot <= slash ? "" : path.slice(dot);
    const isHashed =
      this.#options.immutable === "auto" &&
      path.length - slash > HASHED_NAME_LENGTH_MIN &&
      isHashedName(path);
    const kinds = isHashed ? this.#hashed : this.#plain;
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
      const before = new ResponseHead(200, ["Content-Type", mediaType]);
      const text = (head: ResponseHead): string => Buffer.from(head.bytes).toString("latin1");
      parts = { before: `${text(before).slice(0, -2)}Content-Length: `, after: text(after) };
      this.#parts.set(description, parts);
    }
    return parts;
  }

  #date(seconds: number): string {
    const index = seconds & (DATES - 1);
    if (this.#dateSeconds[index] !== seconds) {
      this.#dateSeconds[index] = seconds;
      this.#dates[index] = httpDate(seconds * 1000);
    }
    return this.#dates[index]!;
  }
}
