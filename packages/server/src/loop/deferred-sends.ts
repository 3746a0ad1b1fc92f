import type { ResponsePlan } from "@tz/http1";
import type { SendBatch } from "./send-batch.js";

/** Who has an answer that leaves at the end of the turn. */
export interface DeferredSender {
  /**
   * Its answer is in the batch again, to be sent now.
   * @param note what it said with the answer
   */
  sendDeferred(note: number): void;
}

/** So many answers wait at most: with 10 µs for each the first is 0.3 ms late. */
const MAX_ANSWERS = 32;

/**
 * Answers of several connections that leave one after the other at the end of the loop's turn, in place of each
 * behind its request: the client's side is woken once for many, and the kernel's code for reading and that for
 * sending stay in the caches.
 *
 * ```
 *   turn    recv a · plan a · recv b · plan b · recv c · plan c   send a · send b · send c
 * ```
 *
 * Only answers that are one packed plan wait, and only for requests that take no handler's code: what they wait
 * for is short. Nothing waits beyond the turn.
 */
export class DeferredSends {
  /** Whether there are other connections to look after in this turn. */
  open = false;
  #count = 0;
  readonly #batch: SendBatch;
  readonly #senders: (DeferredSender | null)[] = new Array(MAX_ANSWERS).fill(null);
  readonly #plans: (ResponsePlan | null)[] = new Array(MAX_ANSWERS).fill(null);
  readonly #starts = new Float64Array(MAX_ANSWERS);
  readonly #lengths = new Uint32Array(MAX_ANSWERS);
  readonly #leads = new Uint32Array(MAX_ANSWERS);
  /** Of answers without a lead: where their first lines lie, which every answer of this second shares. */
  readonly #prefixStarts = new Float64Array(MAX_ANSWERS);
  readonly #prefixLengths = new Uint32Array(MAX_ANSWERS);
  readonly #notes = new Uint32Array(MAX_ANSWERS);

  constructor(batch: SendBatch) {
    this.#batch = batch;
  }

  /**
   * Takes what the batch holds, with its reference, when that is one packed answer.
   * @param note comes back with it
   */
  take(sender: DeferredSender, note: number): boolean {
    const batch = this.#batch;
    const last = batch.count - 1;
    if (!this.open || last < 0 || last > 1 || this.#count === MAX_ANSWERS) return false;
    const plan = batch.plans[last]!;
    // In front of it only what stays where it is: the send area belongs to the next answer.
    if (plan === null || (last === 1 && (batch.plans[0] !== null || !batch.isNamed(0)))) return false;
    const i = this.#count++;
    this.#senders[i] = sender;
    this.#notes[i] = note;
    this.#plans[i] = plan;
    this.#starts[i] = batch.starts[last]!;
    this.#lengths[i] = batch.lengths[last]!;
    this.#leads[i] = batch.leads[last]!;
    this.#prefixStarts[i] = batch.starts[0]!;
    this.#prefixLengths[i] = last === 1 ? batch.lengths[0]! : 0;
    batch.plans[last] = null;
    batch.clear();
    return true;
  }

  /** Sends all, unless somebody is filling the batch: then at the end of the turn, when it is empty. */
  flush(): void {
    const count = this.#count;
    if (count === 0 || this.#batch.count > 0) return;
    this.#count = 0;
    for (let i = 0; i < count; i++) {
      if (this.#prefixLengths[i] !== 0) this.#batch.name(this.#prefixStarts[i]!, this.#prefixLengths[i]!);
      this.#batch.restore(this.#starts[i]!, this.#lengths[i]!, this.#leads[i]!, this.#plans[i]!);
      const sender = this.#senders[i]!;
      this.#plans[i] = null;
      this.#senders[i] = null;
      sender.sendDeferred(this.#notes[i]!);
    }
  }
}
