/** The bytes of a representation: in memory, or in an open file that the executor sends from. */
import type { FileSegment, PackedResponse, PlanBody, PlanFile, ResponseHead } from "@tz/http1";
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

/**
 * ```
 *   [ head of 304 | head of 200 | body ]
 *   └── packed ──┘└───── packed ──────┘
 * ```
 */
export class MemoryContent extends Shared implements Content {
  readonly byteLength: number;
  readonly memoryBytes: number;
  readonly #block: Block;
  readonly #bodyAt: number;
  readonly #okAt: number;

  constructor(memory: AnswerMemory, body: Uint8Array, ok: ResponseHead, notModified: ResponseHead) {
    super();
    const first = notModified.bytes;
    const second = ok.bytes;
    this.byteLength = body.byteLength;
    this.#okAt = first.byteLength;
    this.#bodyAt = first.byteLength + second.byteLength;
    this.memoryBytes = this.#bodyAt + body.byteLength;
    this.#block = memory.allocate(this.memoryBytes);
    this.#block.bytes.set(first);
    this.#block.bytes.set(second, this.#okAt);
    this.#block.bytes.set(body, this.#bodyAt);
  }

  get packed(): PackedResponse | undefined {
    const { address } = this.#block;
    if (address === undefined) return undefined;
    return {
      address: address + this.#okAt,
      byteLength: this.memoryBytes - this.#okAt,
      headByteLength: this.#bodyAt - this.#okAt,
    };
  }

  get packedHead(): PackedResponse | undefined {
    const whole = this.packed;
    return whole && { ...whole, byteLength: whole.headByteLength };
  }

  get packedNotModified(): PackedResponse | undefined {
    const { address } = this.#block;
    return address === undefined
      ? undefined
      : { address, byteLength: this.#okAt, headByteLength: this.#okAt };
  }

  slice(start: number, end: number): Uint8Array {
    return this.#block.bytes.subarray(this.#bodyAt + start, this.#bodyAt + end);
  }

  protected override dispose(): void {
    this.#block.free();
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
