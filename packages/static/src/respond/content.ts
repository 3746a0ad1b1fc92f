/** The bytes of a representation: in memory, or in an open file that the executor sends from. */
import type { FileSegment, PackedLead, PackedResponse, PlanBody, PlanFile, ResponseHead } from "@tz/http1";
import { Shared } from "../cache/shared.js";
import type { FileStatus, FileSystem } from "../resolve/file-system.js";
import type { AnswerMemory, Block } from "./answer-memory.js";

export interface Content {
  readonly byteLength: number;
  /** The memory that it takes. */
  readonly memoryBytes: number;
  slice(start: number, end: number): Uint8Array | FileSegment;
  retain(): void;
  release(): void;
}

export function bodyOf(content: Content, start = 0, end: number = content.byteLength): PlanBody {
  const part = content.slice(start, end);
  return part instanceof Uint8Array
    ? { kind: "bytes", bytes: part }
    : { kind: "segments", length: part.length, segments: [part] };
}

/** Room for a status line, `Date` and a few lines of a listener. */
const LEAD_BYTES = 160;

/** A block with room for a lead in front. */
class LedBlock {
  readonly lead: PackedLead | undefined;
  /** Behind the lead. */
  readonly bytes: Uint8Array;
  readonly address: number | undefined;
  readonly #block: Block;

  constructor(memory: AnswerMemory, byteLength: number) {
    const leadBytes = memory.isAddressed ? LEAD_BYTES : 0;
    this.#block = memory.allocate(leadBytes + byteLength);
    const { bytes, address } = this.#block;
    this.bytes = bytes.subarray(leadBytes);
    this.address = address && address + leadBytes;
    this.lead =
      leadBytes === 0
        ? undefined
        : { bytes: bytes.subarray(0, leadBytes), end: leadBytes, written: undefined };
  }

  free(): void {
    this.#block.free();
  }
}

/**
 * ```
 *   [ lead | head of 200 | body ]      [ lead | head of 304 ]
 *          └────── packed ──────┘               └─ packed, made when it is first asked for
 * ```
 *
 * Without a lead where other processes send the same bytes.
 */
export class MemoryContent extends Shared implements Content {
  readonly byteLength: number;
  readonly memoryBytes: number;
  readonly #memory: AnswerMemory;
  readonly #block: Block & { readonly lead?: PackedLead | undefined };
  readonly #body: Uint8Array;
  #notModified: LedBlock | undefined;

  /** Copies the body. */
  constructor(memory: AnswerMemory, body: Uint8Array, ok: ResponseHead) {
    super();
    const headByteLength = ok.byteLength;
    this.byteLength = body.byteLength;
    const byteLength = headByteLength + body.byteLength;
    this.#memory = memory;
    const placed = memory.place?.(ok, body);
    this.memoryBytes = byteLength + (placed === undefined && memory.isAddressed ? LEAD_BYTES : 0);
    this.#block = placed ?? new LedBlock(memory, byteLength);
    this.#body = this.#block.bytes.subarray(headByteLength);
    if (placed !== undefined) return;
    ok.writeTo(this.#block.bytes, 0);
    this.#body.set(body);
  }

  get packed(): PackedResponse | undefined {
    const { address, lead } = this.#block;
    if (address === undefined) return undefined;
    const { byteLength } = this.#block.bytes;
    return { address, byteLength, headByteLength: byteLength - this.byteLength, lead };
  }

  get packedHead(): PackedResponse | undefined {
    const whole = this.packed;
    return whole && { ...whole, byteLength: whole.headByteLength };
  }

  packedNotModified(head: ResponseHead): PackedResponse | undefined {
    if (this.#block.address === undefined) return undefined;
    const { byteLength } = head;
    if (this.#notModified === undefined) {
      this.#notModified = new LedBlock(this.#memory, byteLength);
      head.writeTo(this.#notModified.bytes, 0);
    }
    const { address, lead } = this.#notModified;
    return { address: address!, byteLength, headByteLength: byteLength, lead };
  }

  slice(start: number, end: number): Uint8Array {
    return start === 0 && end === this.byteLength ? this.#body : this.#body.subarray(start, end);
  }

  protected override dispose(): void {
    this.#block.free();
    this.#notModified?.free();
  }
}

/** An open file, closed when the last who sends from it is done. */
export class FileContent extends Shared implements Content, PlanFile {
  readonly fd: number;
  readonly byteLength: number;
  readonly memoryBytes = 0;
  readonly #status: FileStatus;
  readonly #files: FileSystem;

  constructor(files: FileSystem, fd: number, status: FileStatus) {
    super();
    this.fd = fd;
    this.byteLength = status.byteLength;
    this.#status = status;
    this.#files = files;
  }

  /** `false` once the file was written to or truncated since it was opened. */
  isUnchanged(): boolean {
    const now = this.#files.lookAt(this.fd);
    return typeof now !== "string" && isSameContent(now, this.#status);
  }

  slice(start: number, end: number): FileSegment {
    return { file: this, offset: start, length: end - start };
  }

  protected override dispose(): void {
    this.#files.closeFile(this.fd);
  }
}

/** An unlink or a rename over it changes ctime and the link count of a file that is open, but not its bytes. */
export function isSameContent(a: FileStatus, b: FileStatus): boolean {
  return (
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.byteLength === b.byteLength
  );
}
