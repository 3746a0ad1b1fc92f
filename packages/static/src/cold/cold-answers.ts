/**
 * Small files that nobody keeps, in one go: five system calls, the bytes read to where they are sent from,
 * the head written there, and no object or string made.
 *
 * ```
 *   openat2 ─▶ preadv2 into a slot ─▶ statx ─▶ close ─▶ head in front of the body ─▶ writev ─▶ slot free again
 * ```
 *
 * It answers only what the long way would answer with the same bytes: a plain GET of a plain name that is a
 * regular file at rest. For everything else it says `undefined`, and the long way finds out what it is.
 */
import type { PlanRequest, ResponsePlan } from "@tz/http1";
import { isSameForAll } from "../negotiate/cors.js";
import type { ManifestFile, ResolvedOptions } from "../options.js";
import { isServed } from "../resolve/path-policy.js";
import type { SysFileSystem } from "../resolve/sys-file-system.js";
import { CONDITIONAL_OR_RANGE_MASK } from "../respond/form.js";
import { hasMeaningfulTime } from "../respond/validators.js";
import { BODY_BYTES, type ColdSlot, ColdSlots } from "./cold-slots.js";
import { type FileTimes, HeadPartsByName } from "./head-parts.js";
import { HeadWriter } from "./head-writer.js";
import { isPlainTarget } from "./plain-target.js";

/**
 * A file whose last change is this old was not written to since it was opened: the clock that stamps files ticks
 * every 4 ms or 10 ms, and opening and reading takes microseconds.
 */
const AT_REST_MS = 50;

export class ColdAnswers {
  readonly #files: SysFileSystem;
  readonly #options: ResolvedOptions;
  readonly #parts: HeadPartsByName;
  readonly #writer: HeadWriter;
  readonly #slots = new ColdSlots();
  /** What stands before a path: the prefix and a slash. */
  readonly #base: Uint8Array;
  readonly #maxBytes: number;
  readonly #judgesNames: boolean;
  readonly #times: { -readonly [K in keyof FileTimes]: FileTimes[K] } = {
    byteLength: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
  };

  constructor(
    files: SysFileSystem,
    prefix: string,
    options: ResolvedOptions,
    manifest: ReadonlyMap<string, ManifestFile>,
  ) {
    this.#files = files;
    this.#options = options;
    this.#base = Buffer.from(prefix === "/" ? "/" : `${prefix}/`);
    this.#parts = new HeadPartsByName(options, manifest);
    this.#writer = new HeadWriter(options);
    this.#maxBytes = options.maxFileBytes ?? Number.POSITIVE_INFINITY;
    const { allow, deny, allowExtensions, denyExtensions } = options;
    this.#judgesNames = [allow, deny, allowExtensions, denyExtensions].some((rule) => rule !== undefined);
  }

  /** The answer to a GET that still is bytes; `undefined` when it takes more thought. */
  plan(request: PlanRequest): ResponsePlan | undefined {
    const { bytes } = request;
    if (bytes === undefined || (request.fieldMask & CONDITIONAL_OR_RANGE_MASK) !== 0) return undefined;
    const { targetStart = 0, targetEnd = 0 } = request;
    if (!isPlainTarget(bytes, targetStart, targetEnd)) return undefined;
    const start = targetStart + this.#base.length;
    if (!beginsWith(bytes, targetStart, targetEnd, this.#base)) return undefined;
    if (this.#judgesNames && !isServed(request.target.slice(this.#base.length), this.#options))
      return undefined;
    const slot = this.#slots.take();
    if (slot === undefined) return undefined;
    const byteLength = this.#files.readAtOnce(bytes, start, targetEnd, slot.bodyAddress, BODY_BYTES);
    const isRead = byteLength >= 0 && byteLength <= this.#maxBytes;
    const headByteLength = isRead ? this.#writeHead(slot, bytes, start, targetEnd, byteLength) : 0;
    if (headByteLength > 0) {
      slot.finish(headByteLength, byteLength);
      return slot;
    }
    slot.release();
    return undefined;
  }

  close(): void {
    this.#slots.close();
  }

  /** @returns its length; 0 when it takes more thought */
  #writeHead(slot: ColdSlot, bytes: Uint8Array, start: number, end: number, byteLength: number): number {
    const status = this.#files.lastStatus;
    const nowMs = Date.now();
    const ageMs = nowMs - status.ctimeMs;
    // A time ahead of the clock says nothing.
    if (!(ageMs > AT_REST_MS)) return 0;
    const times = this.#times;
    times.byteLength = byteLength;
    times.mtimeSeconds = status.mtimeSec;
    times.mtimeNanoseconds = status.mtimeNsec;
    // A time that is the same for all files makes no tag.
    if (!hasMeaningfulTime(times)) return 0;
    try {
      return this.#writer.write(slot, this.#parts.partsOf(bytes, start, end), times, nowMs);
    } catch {
      // A callback of the user threw: the long way tells of it.
      return 0;
    }
  }
}

function beginsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  const { length } = prefix;
  if (end - start < length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

/** Can a mount with these options be answered this way at all? */
export function mayAnswerCold(options: ResolvedOptions): boolean {
  const { cors } = options;
  return (
    options.cache.bytes === 0 &&
    options.etag !== "strong" &&
    options.digest === false &&
    options.compress === false &&
    options.precompressed.length === 0 &&
    options.throttleBytesPerSecond === undefined &&
    !options.earlyHints &&
    !options.cleanUrls &&
    (cors === false || isSameForAll(cors))
  );
}
