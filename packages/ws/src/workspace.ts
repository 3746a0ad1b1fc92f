import { WsError } from "./errors.js";
import { type Kernel, plainKernel, simdKernel } from "./kernel.js";
import { type FixedMemory, webAssembly } from "./webassembly.js";

const KiB = 1024;
const PAGE = 64 * KiB;
/** Half of it is one turn of a receive loop: a read of 64 KiB fits. */
const STAGE_BYTES = 3 * PAGE;
/** A turn gets this much while there is room, however deep. */
const TURN_BYTES_MIN = KiB;
/** Frames of one cork, or one large frame, leave in pieces of this size. */
const SEND_BYTES = 2 * PAGE;
/** Behind the staged bytes: the four bytes that end a compressed message are put there for a moment. */
const SLACK_BYTES = 16;

/** A part of the memory: `[start, end)`. */
export interface MemoryRange {
  readonly start: number;
  readonly end: number;
}

export interface WorkspaceOptions {
  /**
   * A memory that the caller receives into, so that frames are unmasked where they arrived
   * (`receiveInPlace`). It must not grow. Default: a private one of 320 KiB.
   */
  readonly memory?: FixedMemory;
  /** Where bytes from elsewhere are copied to. Needed with `memory`; at least 1 KiB. */
  readonly stage?: MemoryRange;
  /** Where outgoing frames are built. Needed with `memory`; at least 1 KiB. */
  readonly send?: MemoryRange;
}

/** Whoever has frames in the send range that have not left yet. */
export interface SendOwner {
  /** Takes them out: after it the range is empty. */
  flush(): void;
}

/**
 * The memory that all connections of a thread share while a call lasts; nothing stays in it between two turns
 * of the event loop. So an idle connection holds no buffer.
 *
 * ```
 *   ├──────────── stage ─────────────┤slack├──────────── send ────────────┤
 *   │ staged ▲ stagedEnd             │     │ frames ▲ sendAt              │
 * ```
 *
 * `stage` is a stack: a connection that is fed from inside another's callback stages behind it. `send` has one
 * owner at a time: a second connection that sends first lets the owner flush.
 */
export class Workspace {
  readonly bytes: Buffer;
  readonly kernel: Kernel;
  readonly stageEnd: number;
  readonly sendStart: number;
  readonly sendEnd: number;
  /** First free byte of the send range. */
  sendAt: number;
  sendOwner: SendOwner | undefined = undefined;
  /** A sink is reading the send range: nobody may write there. */
  sendBusy = false;
  #stagedEnd: number;

  /** @throws WsError `TZ_WS_OPTION` when ranges are missing, too small, overlap or leave the memory */
  constructor(options: WorkspaceOptions = {}) {
    const memory = options.memory ?? privateMemory();
    const { buffer } = memory;
    this.bytes = Buffer.from(buffer);
    this.kernel = simdKernel(memory) ?? plainKernel(buffer);
    const own = options.memory === undefined;
    const stage = own ? { start: 0, end: STAGE_BYTES } : required(options.stage, "stage");
    const send = own ? { start: STAGE_BYTES, end: STAGE_BYTES + SEND_BYTES } : required(options.send, "send");
    checkRange(stage, "stage", buffer.byteLength);
    checkRange(send, "send", buffer.byteLength);
    if (stage.start < send.end && send.start < stage.end) {
      throw new WsError("TZ_WS_OPTION", 'Workspace: options "stage" and "send" overlap');
    }
    this.#stagedEnd = stage.start;
    this.stageEnd = stage.end - SLACK_BYTES;
    this.sendStart = send.start;
    this.sendEnd = send.end;
    this.sendAt = send.start;
  }

  /**
   * Copies of `bytes[start, end)` what fits into half of the room behind what is staged, so that a connection
   * that is fed meanwhile finds room too; 0 when there is none, seven or more deep.
   * The copy begins at {@link stagedEnd} as it was before the call; `unstage` with that gives it back.
   */
  stage(bytes: Uint8Array, start: number, end: number): number {
    const at = this.#stagedEnd;
    const room = this.stageEnd - at;
    const length = Math.min(end - start, Math.max(room >> 1, Math.min(room, TURN_BYTES_MIN)));
    if (length <= 0) return 0;
    const whole = start === 0 && length === bytes.length;
    this.bytes.set(whole ? bytes : bytes.subarray(start, start + length), at);
    this.#stagedEnd = at + length;
    return length;
  }

  get stagedEnd(): number {
    return this.#stagedEnd;
  }

  unstage(at: number): void {
    this.#stagedEnd = at;
  }
}

function privateMemory(): FixedMemory {
  const pages = (STAGE_BYTES + SEND_BYTES) / PAGE;
  if (webAssembly === undefined) return { buffer: new ArrayBuffer(pages * PAGE) };
  return new webAssembly.Memory({ initial: pages, maximum: pages });
}

function required(range: MemoryRange | undefined, name: string): MemoryRange {
  if (range !== undefined) return range;
  throw new WsError("TZ_WS_OPTION", `Workspace: option "${name}" is needed with "memory"`);
}

function checkRange({ start, end }: MemoryRange, name: string, byteLength: number): void {
  const fits = Number.isInteger(start) && Number.isInteger(end) && start >= 0 && end <= byteLength;
  if (fits && end - start >= KiB) return;
  throw new WsError(
    "TZ_WS_OPTION",
    `Workspace: option "${name}" must be at least ${KiB} bytes within 0 to ${byteLength}, got ${start} to ${end}`,
  );
}

let shared: Workspace | undefined;

/** The workspace of this thread that connections use when they are given none. */
export function sharedWorkspace(): Workspace {
  shared ??= new Workspace();
  return shared;
}
