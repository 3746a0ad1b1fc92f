import type { PackedResponse, PlanFile, ResponsePlan } from "@tz/http1";
import type { Pace } from "../limits/pace.js";
import type { Transport } from "../loop/loop.js";
import type { SendBatch } from "../loop/send-batch.js";

/** What is left of an answer that the transport did not take at once. `plan` is released when the item is done. */
type OutItem =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; offset: number; readonly plan: ResponsePlan | null }
  | {
      readonly kind: "packed";
      readonly packed: PackedResponse;
      offset: number;
      readonly length: number;
      readonly plan: ResponsePlan;
    }
  | {
      readonly kind: "file";
      readonly file: PlanFile;
      offset: number;
      length: number;
      begun: boolean;
      /** How much is asked for at a time. */
      stepBytes: number;
      readonly plan: ResponsePlan | null;
    };

/** The queue is empty. */
export const DRAINED = 1;
/** The transport is full; `onWritable` will follow. */
export const BLOCKED = 0;

const EAGAIN = 11;
const EIO = 5;
/** One connection sends so much before others get their turn. */
const MAX_BYTES_PER_TURN = 4 * 1024 * 1024;
const MAX_SENDFILE_BYTES = 2 * 1024 * 1024;
/**
 * The kernel reads what is not in its memory while we wait, so a file is asked for in steps that grow as long as they are
 * quick: of a slow disk one reads ahead what it would anyway, and then it is the others' turn.
 */
const FIRST_SENDFILE_BYTES = 128 * 1024;
const SLOW_SENDFILE_MS = 5;

/**
 * The rest of one connection's answers, in order. It is bounded: while it holds anything, no further request of
 * that connection is read.
 */
export class OutQueue {
  readonly #items: OutItem[] = [];
  #first = 0;
  /** How fast the client takes it; `null` when nothing waits for the client. */
  pace: Pace | null = null;
  /** Bytes that the transport took from this queue. */
  sentBytes = 0;
  /** The last write was short: do not ask again before the transport says so. */
  #short = false;
  /** The file did not come at once: what is left of it must not keep others waiting. */
  #slow = false;

  get empty(): boolean {
    return this.#first === this.#items.length;
  }

  bytes(bytes: Uint8Array, plan: ResponsePlan | null): void {
    this.#items.push({ kind: "bytes", bytes, offset: 0, plan });
  }

  file(file: PlanFile, offset: number, length: number, plan: ResponsePlan | null): void {
    this.#items.push({
      kind: "file",
      file,
      offset,
      length,
      begun: false,
      stepBytes: FIRST_SENDFILE_BYTES,
      plan,
    });
  }

  /** Puts what is left of a batch after its first `sent` bytes in front, with the references that it holds. */
  prepend(batch: SendBatch, sent: number): void {
    const rest: OutItem[] = [];
    for (let i = 0; i < batch.count; i++) {
      const length = batch.lengths[i]!;
      const plan = batch.plans[i] ?? null;
      batch.plans[i] = null;
      if (sent >= length) {
        sent -= length;
        plan?.release?.();
        continue;
      }
      if (plan === null) {
        const start = batch.starts[i]! + sent;
        const bytes = batch.memory.bytes.slice(start, start + length - sent);
        rest.push({ kind: "bytes", bytes, offset: 0, plan: null });
      } else {
        const packed = plan.packed!;
        const lead = batch.leads[i]!;
        if (sent < lead) {
          // The next answer may change what lies there.
          const { bytes, end } = packed.lead!;
          rest.push({ kind: "bytes", bytes: bytes.slice(end - lead + sent, end), offset: 0, plan: null });
        }
        rest.push({ kind: "packed", packed, offset: Math.max(sent - lead, 0), length: length - lead, plan });
      }
      sent = 0;
    }
    batch.clear();
    this.#items.splice(0, this.#first, ...rest);
    this.#first = 0;
  }

  /**
   * Sends what fits.
   * @returns {@link DRAINED}, {@link BLOCKED}, or a negative errno after which the connection must be destroyed
   *   (`-EIO` when a file ended before its promised length)
   */
  drain(transport: Transport, batch: SendBatch): number {
    let budget = MAX_BYTES_PER_TURN;
    while (this.#first < this.#items.length) {
      if (budget <= 0) {
        transport.yieldWrite();
        return BLOCKED;
      }
      const item = this.#items[this.#first]!;
      const more = this.#first + 1 < this.#items.length;
      this.#short = false;
      this.#slow = false;
      const sent =
        item.kind === "file"
          ? this.#sendFile(transport, item)
          : this.#sendBytes(transport, batch, item, more);
      if (sent < 0) return sent === -EAGAIN ? BLOCKED : sent;
      budget -= sent;
      this.sentBytes += sent;
      if (isDone(item)) {
        this.#first++;
        item.plan?.release?.();
      } else if (this.#short) {
        return BLOCKED;
      }
      if (this.#slow) budget = 0;
    }
    this.#items.length = 0;
    this.#first = 0;
    this.pace = null;
    return DRAINED;
  }

  /** Gives back every reference; nothing more is sent. */
  abandon(): void {
    for (let i = this.#first; i < this.#items.length; i++) this.#items[i]!.plan?.release?.();
    this.#items.length = 0;
    this.#first = 0;
  }

  #sendFile(transport: Transport, item: Extract<OutItem, { kind: "file" }>): number {
    if (item.length === 0) return 0;
    if (item.begun && item.file.isUnchanged?.() === false) return -EIO;
    item.begun = true;
    const startMs = performance.now();
    const sent = transport.sendFile(item.file.fd, item.offset, Math.min(item.length, item.stepBytes));
    this.#slow = performance.now() - startMs > SLOW_SENDFILE_MS;
    item.stepBytes = this.#slow ? FIRST_SENDFILE_BYTES : Math.min(item.stepBytes * 2, MAX_SENDFILE_BYTES);
    // The file is shorter than it was when the answer began: the promise cannot be kept.
    if (sent === 0) return -EIO;
    if (sent > 0) {
      item.offset += sent;
      item.length -= sent;
    }
    return sent;
  }

  #sendBytes(
    transport: Transport,
    batch: SendBatch,
    item: Exclude<OutItem, { kind: "file" }>,
    more: boolean,
  ): number {
    let wanted: number;
    if (item.kind === "packed") {
      wanted = item.length - item.offset;
      batch.reference(item.packed.address + item.offset, wanted, item.plan);
    } else {
      wanted = Math.min(item.bytes.byteLength - item.offset, batch.room);
      batch.copyRange(item.bytes, item.offset, item.offset + wanted);
      if (item.offset + wanted < item.bytes.byteLength) more = true;
    }
    const sent = wanted === 0 ? 0 : transport.flush(batch, more);
    batch.clear();
    if (sent < 0) return sent;
    item.offset += sent;
    this.#short = sent < wanted;
    return sent;
  }
}

function isDone(item: OutItem): boolean {
  if (item.kind === "file") return item.length === 0;
  return item.offset === (item.kind === "bytes" ? item.bytes.byteLength : item.length);
}
