/**
 * The words that the list lives in, one method an atomic access: the list is run on shared memory in production,
 * and on a model that stops between any two accesses in its test.
 */
export interface FreeListWords {
  loadHead(): bigint;
  /** True when the head was `expected` and now is `value`. */
  casHead(expected: bigint, value: bigint): boolean;
  loadNext(slot: number): number;
  storeNext(slot: number, value: number): void;
  loadState(slot: number): number;
  casState(slot: number, expected: number, value: number): boolean;
}

/** No slot: the end of the list. Slots count from 0, places in the head from 1. */
export const NO_SLOT = -1;
/** The attempt came to nothing; try again. */
export const RETRY = -2;
/** The owner of free slots. */
export const NOBODY = 0;

/** What is under way at the head. */
const REST = 0n;
const POP = 1n;
const PUSH = 2n;

/*
 * head   63            34 33 32 31    24 23              0
 *        │ tag           │ op  │ owner  │ slot + 1        │
 * state  31                    8 7       0
 *        │ version              │ owner   │
 */
const TAG_STEP = 1n << 34n;
const TAG_MASK = ~(TAG_STEP - 1n);

const slotOf = (head: bigint): number => Number(head & 0xffffffn) - 1;
const opOf = (head: bigint): bigint => (head >> 32n) & 3n;
const headOwnerOf = (head: bigint): number => Number((head >> 24n) & 0xffn);

/** The head that follows `before`: one tag on. */
function headAfter(before: bigint, slot: number, op: bigint, owner: number): bigint {
  return BigInt.asUintN(
    64,
    ((before & TAG_MASK) + TAG_STEP) | (op << 32n) | BigInt(owner * 0x1000000 + slot + 1),
  );
}

/** Owner in a state word. */
export function ownerIn(state: number): number {
  return state & 0xff;
}

/** The state word that follows `state`: one version on. */
export function stateAfter(state: number, owner: number): number {
  return (((state >>> 8) + 1) << 8) | owner;
}

/**
 * A stack of free slots for many threads or processes, any of which may be killed at any instruction.
 *
 * ```
 *  head  │ tag │ op │ owner │ slot ─┼─▶ slot ─▶ next[slot] ─▶ … ─▶ end
 *
 *  pop   1. head: REST slot      ─▶ POP slot, for owner       announced: from here on the slot is the owner's
 *        2. state[slot]: nobody  ─▶ owner                     by the owner or by anyone who comes along
 *        3. head: POP slot       ─▶ REST next[slot]           likewise
 *  push  1. next[slot] = top;
 *           head: REST top       ─▶ PUSH slot                 announced: from here on the slot is free
 *        2. state[slot]: owner   ─▶ nobody                    likewise
 *        3. head: PUSH slot      ─▶ REST slot                 likewise
 * ```
 *
 * Each change is announced in the head together with who makes it, and whoever finds an announcement completes it
 * before doing anything else. So there is no instruction at which the death of an owner loses a slot: before step 1
 * nothing happened, after it the rest will. And at any time a slot is either in the list, or `state` says whose it
 * is: {@link OwnerTable} and a scan of `state` give the slots of the dead back.
 *
 * No ABA: the head has a tag that grows with each change (30 bits), so it is never twice the same while somebody
 * sleeps between reading and changing it; `state` has a version (24 bits), so a sleeper that completes an
 * announcement of long ago fails. It takes 2^30 changes of the head, or 2^24 of one slot, during the sleep of one
 * instruction to fool them.
 */
export class TaggedFreeList {
  readonly #words: FreeListWords;

  constructor(words: FreeListWords) {
    this.#words = words;
  }

  /** Takes a slot for `owner`; NO_SLOT when the list is empty. Lock-free. */
  pop(owner: number): number {
    for (;;) {
      const slot = this.tryPop(owner);
      if (slot !== RETRY) return slot;
    }
  }

  /** Puts back a slot that `state` says is the caller's. Lock-free. */
  push(slot: number): void {
    while (!this.tryPush(slot));
  }

  /** One attempt of {@link pop}; RETRY when another was faster, or was helped. */
  tryPop(owner: number): number {
    const head = this.#words.loadHead();
    if (opOf(head) !== REST) {
      this.#complete(head);
      return RETRY;
    }
    const slot = slotOf(head);
    if (slot === NO_SLOT) return NO_SLOT;
    const announced = headAfter(head, slot, POP, owner);
    if (!this.#words.casHead(head, announced)) return RETRY;
    this.#complete(announced);
    return slot;
  }

  /** One attempt of {@link push}. */
  tryPush(slot: number): boolean {
    const head = this.#words.loadHead();
    if (opOf(head) !== REST) {
      this.#complete(head);
      return false;
    }
    this.#words.storeNext(slot, slotOf(head));
    const announced = headAfter(head, slot, PUSH, NOBODY);
    if (!this.#words.casHead(head, announced)) return false;
    this.#complete(announced);
    return true;
  }

  /**
   * Puts every slot of `owner`, which is dead or the caller itself, back in the list; returns how many. Each is made
   * the caller's first, so that only one of several callers does it, and a caller that dies leaves it with a name.
   *
   * @param slots how many slots there are
   * @param visit called with each slot while it is the caller's
   */
  reclaim(owner: number, caller: number, slots: number, visit: (slot: number) => void): number {
    // What the owner had announced is completed: afterwards `state` says all that it had.
    const head = this.#words.loadHead();
    if (opOf(head) !== REST) this.#complete(head);
    let count = 0;
    for (let slot = 0; slot < slots; slot++) {
      const state = this.#words.loadState(slot);
      if (ownerIn(state) !== owner) continue;
      if (!this.#words.casState(slot, state, stateAfter(state, caller))) continue;
      visit(slot);
      this.push(slot);
      count++;
    }
    return count;
  }

  #complete(head: bigint): void {
    const slot = slotOf(head);
    const pop = opOf(head) === POP;
    const next = pop ? this.#words.loadNext(slot) : slot;
    const state = this.#words.loadState(slot);
    // What was read belongs to this announcement only if it still stands.
    if (this.#words.loadHead() !== head) return;
    const owner = headOwnerOf(head);
    // When this fails, or there is nothing to do, another has done the same.
    if (ownerIn(state) !== owner) this.#words.casState(slot, state, stateAfter(state, owner));
    this.#words.casHead(head, headAfter(head, next, REST, NOBODY));
  }
}

/** The words in shared memory. */
export class SharedFreeListWords implements FreeListWords {
  readonly #head: BigUint64Array;
  readonly #next: Int32Array;
  readonly #state: Int32Array;

  /** @param head one 64-bit word, alone on its cache line */
  constructor(head: BigUint64Array, next: Int32Array, state: Int32Array) {
    this.#head = head;
    this.#next = next;
    this.#state = state;
  }

  loadHead(): bigint {
    return Atomics.load(this.#head, 0);
  }
  casHead(expected: bigint, value: bigint): boolean {
    return Atomics.compareExchange(this.#head, 0, expected, value) === expected;
  }
  loadNext(slot: number): number {
    return Atomics.load(this.#next, slot);
  }
  storeNext(slot: number, value: number): void {
    Atomics.store(this.#next, slot, value);
  }
  loadState(slot: number): number {
    return Atomics.load(this.#state, slot);
  }
  casState(slot: number, expected: number, value: number): boolean {
    return Atomics.compareExchange(this.#state, slot, expected, value) === expected;
  }
}
