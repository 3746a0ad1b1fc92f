import { createRawStream } from "./create-raw-stream.js";
import type { RawStream, RawStreamOptions } from "./raw-stream.js";
import { SlicedJobs } from "./sliced-jobs.js";

/** What most messages fit into. */
const SCRATCH_BYTES = 64 * 1024;
/** A larger buffer is kept for the next message up to this. */
const SCRATCH_BYTES_MAX = 256 * 1024;
/** Streams that wait for the next message without context takeover, for each set of parameters. */
const IDLE_STREAMS_MAX = 4;
const ACTIVE_JOBS_MAX = 8;

/** An output buffer that is lent to one user at a time; a second user gets one of its own. */
class Scratch {
  #buffer: Buffer | undefined;

  take(): Buffer {
    const buffer = this.#buffer ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    this.#buffer = undefined;
    return buffer;
  }

  give(buffer: Buffer): void {
    const better = this.#buffer === undefined || this.#buffer.length < buffer.length;
    if (better && buffer.length <= SCRATCH_BYTES_MAX) this.#buffer = buffer;
  }
}

/** What all compressing connections of a thread share. */
export class DeflateRuntime {
  readonly inflated = new Scratch();
  readonly deflated = new Scratch();
  readonly jobs: SlicedJobs;
  readonly #create: (options: RawStreamOptions) => RawStream;
  readonly #idle = new Map<string, RawStream[]>();

  constructor(create = createRawStream, jobs = new SlicedJobs(ACTIVE_JOBS_MAX)) {
    this.#create = create;
    this.jobs = jobs;
  }

  /** A stream that nobody else uses until it is given to {@link release} or closed. */
  acquire(options: RawStreamOptions): RawStream {
    return this.#idle.get(keyOf(options))?.pop() ?? this.#create(options);
  }

  /** Takes back a stream that is in good order. */
  release(options: RawStreamOptions, stream: RawStream): void {
    const key = keyOf(options);
    let idle = this.#idle.get(key);
    if (idle === undefined) {
      idle = [];
      this.#idle.set(key, idle);
    }
    if (idle.length >= IDLE_STREAMS_MAX) {
      stream.close();
    } else {
      stream.reset();
      idle.push(stream);
    }
  }
}

function keyOf(options: RawStreamOptions): string {
  if (options.kind === "inflate") return `i${options.windowBits}/${options.outputBytesMax}`;
  return `d${options.windowBits}/${options.level}/${options.memoryLevel}/${options.runLengthOnly}`;
}

let shared: DeflateRuntime | undefined;

export function sharedDeflateRuntime(): DeflateRuntime {
  shared ??= new DeflateRuntime();
  return shared;
}
