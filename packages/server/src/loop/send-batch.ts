import type { PackedLead, PackedResponse, ResponsePlan } from "@tz/http1";
import type { IoMemory } from "./io-memory.js";

/** Pieces per `writev`; the kernel takes up to 1,024 (IOV_MAX). */
const MAX_PIECES = 128;

/**
 * Answers that leave in one system call. Small bytes are copied behind each other into the send area of the I/O
 * memory; packed answers are named by address and stay where they are.
 *
 * ```
 *   pieces:  [ scratch 0..92 ][ packed @0x7f…, 1,310 ][ scratch 92..184 ][ packed @0x7f…, 1,310 ]
 * ```
 *
 * One batch per loop: a connection fills it and flushes it within one call, so it is empty between calls.
 * A batch holds the references of the packed plans that it names until {@link releaseAll}.
 */
export class SendBatch {
  readonly memory: IoMemory;
  /** Whether packed answers may be named by address. Loops without system calls copy. */
  readonly addressable: boolean;
  /** Pieces in use. */
  count = 0;
  byteLength = 0;
  /** For each piece: an offset in the I/O memory (scratch) or an address (packed). */
  readonly starts = new Float64Array(MAX_PIECES);
  readonly lengths = new Uint32Array(MAX_PIECES);
  /** For each piece: the plan whose packed bytes it names, `null` for scratch. */
  readonly plans: (ResponsePlan | null)[] = new Array(MAX_PIECES).fill(null);
  /** For each packed piece: how many of its bytes are the lead of the plan's packed bytes. */
  readonly leads = new Uint32Array(MAX_PIECES);
  #scratchEnd: number;

  constructor(memory: IoMemory, addressable: boolean) {
    this.memory = memory;
    this.addressable = addressable;
    this.#scratchEnd = memory.sendStart;
  }

  /** Free bytes in the send area. */
  get room(): number {
    return this.count >= MAX_PIECES - 2
      ? 0
      : this.memory.sendStart + this.memory.sendBytes - this.#scratchEnd;
  }

  /** Copies bytes behind what is there. The caller checked {@link room}. */
  copy(bytes: Uint8Array): void {
    const length = bytes.byteLength;
    this.memory.bytes.set(bytes, this.#scratchEnd);
    this.#grow(length);
  }

  /** Copies `bytes[from, to)` behind what is there. The caller checked {@link room}. */
  copyRange(bytes: Uint8Array, from: number, to: number): void {
    this.memory.bytes.set(bytes.subarray(from, to), this.#scratchEnd);
    this.#grow(to - from);
  }

  /** Writes Latin-1 text behind what is there. The caller checked {@link room}. */
  text(text: string): void {
    this.#grow(this.memory.buffer.write(text, this.#scratchEnd, "latin1"));
  }

  /**
   * Names bytes that are already in the I/O memory.
   * @param at offset in the I/O memory
   */
  name(at: number, length: number): void {
    const i = this.count++;
    this.starts[i] = at;
    this.lengths[i] = length;
    this.plans[i] = null;
    this.byteLength += length;
  }

  /** Whether a piece without a plan lies elsewhere than in the send area, which the next batch writes over. */
  isNamed(piece: number): boolean {
    return this.starts[piece]! < this.memory.sendStart;
  }

  /** Names a packed answer, taking over the plan's reference. */
  packed(packed: PackedResponse, length: number, plan: ResponsePlan): void {
    this.reference(packed.address, length, plan);
  }

  /**
   * Names a packed answer with `prefix` in its lead, taking over the plan's reference. Other pieces that name the same
   * lead may not have left yet: the prefixes of one lead must have one length and differ in their `Date` only.
   */
  led(
    packed: PackedResponse,
    lead: PackedLead,
    prefix: Uint8Array,
    length: number,
    plan: ResponsePlan,
  ): void {
    const { byteLength } = prefix;
    if (lead.written !== prefix) {
      lead.bytes.set(prefix, lead.end - byteLength);
      lead.written = prefix;
    }
    this.restore(packed.address - byteLength, byteLength + length, byteLength, plan);
  }

  /** Names a piece as it was named before. */
  restore(start: number, length: number, lead: number, plan: ResponsePlan): void {
    const i = this.count++;
    this.leads[i] = lead;
    this.starts[i] = start;
    this.lengths[i] = length;
    this.plans[i] = plan;
    this.byteLength += length;
  }

  /** Names bytes by address; `plan` keeps them where they are. */
  reference(address: number, length: number, plan: ResponsePlan): void {
    this.restore(address, length, 0, plan);
  }

  /** Gives back the references that the batch holds and empties it. */
  releaseAll(): void {
    for (let i = 0; i < this.count; i++) {
      const plan = this.plans[i];
      if (plan != null) {
        this.plans[i] = null;
        plan.release?.();
      }
    }
    this.clear();
  }

  /** Empties the batch after its references were handed on. */
  clear(): void {
    this.count = 0;
    this.byteLength = 0;
    this.#scratchEnd = this.memory.sendStart;
  }

  #grow(length: number): void {
    const last = this.count - 1;
    const start = this.#scratchEnd;
    if (last >= 0 && this.plans[last] === null && this.starts[last]! + this.lengths[last]! === start) {
      this.lengths[last]! += length;
    } else {
      const i = this.count++;
      this.starts[i] = start;
      this.lengths[i] = length;
      this.plans[i] = null;
    }
    this.#scratchEnd = start + length;
    this.byteLength += length;
  }
}
