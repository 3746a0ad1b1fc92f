import { expect, test } from "vitest";
import { type FreeListWords, NO_SLOT, NOBODY, ownerIn, RETRY, TaggedFreeList } from "./tagged-free-list.js";

/*
 * The list itself runs here, not a copy of it: on words that stop it before any access. A worker that was stopped
 * runs its present attempt again from the beginning with the answers that it got before, so each access is a step,
 * and the steps of several workers are tried in every order. Any step may also be the last of a worker that is
 * killed. Worlds that differ only in how high tags and versions have counted are the same world.
 */

interface Shared {
  head: bigint;
  next: number[];
  state: number[];
}

/** An answer that a worker got; `slot` for a state word, −1 for the head, −2 for what has no tag. */
interface Seen {
  readonly answer: bigint | number | boolean;
  readonly of: number;
}

class Stopped extends Error {}

type CasHead = (found: bigint, expected: bigint) => boolean;
const sameHead: CasHead = (found, expected) => found === expected;
/** A compare-and-swap that does not look at the tag, as if there were none. */
const sameHeadWithoutTag: CasHead = (found, expected) => (found & 0x3ffffffffn) === (expected & 0x3ffffffffn);

/** Words that give the answers of `log` first, do one access more on the shared words, and stop at the next. */
class SteppedWords implements FreeListWords {
  readonly #shared: Shared;
  readonly #log: Seen[];
  readonly #same: CasHead;
  #replayed = 0;
  #done = false;

  constructor(shared: Shared, log: Seen[], same: CasHead) {
    this.#shared = shared;
    this.#log = log;
    this.#same = same;
  }

  #access<T extends bigint | number | boolean>(of: number, run: (shared: Shared) => T): T {
    if (this.#replayed < this.#log.length) return this.#log[this.#replayed++]!.answer as T;
    if (this.#done) throw new Stopped();
    this.#done = true;
    this.#replayed++;
    const answer = run(this.#shared);
    this.#log.push({ answer, of });
    return answer;
  }

  loadHead(): bigint {
    return this.#access(-1, (shared) => shared.head);
  }
  casHead(expected: bigint, value: bigint): boolean {
    return this.#access(-2, (shared) => {
      const same = this.#same(shared.head, expected);
      if (same) shared.head = value;
      return same;
    });
  }
  loadNext(slot: number): number {
    return this.#access(-2, (shared) => shared.next[slot]!);
  }
  storeNext(slot: number, value: number): void {
    this.#access(-2, (shared) => {
      shared.next[slot] = value;
      return true;
    });
  }
  loadState(slot: number): number {
    return this.#access(slot, (shared) => shared.state[slot]!);
  }
  casState(slot: number, expected: number, value: number): boolean {
    return this.#access(-2, (shared) => {
      const same = shared.state[slot] === expected;
      if (same) shared.state[slot] = value;
      return same;
    });
  }
}

/** What a worker does, in order: take a slot; give back the one that it has longest; recover worker 1. */
type Op = "take" | "give" | "recover";

interface Worker {
  /** Position in its program, and the answers of its present attempt. */
  at: number;
  log: Seen[];
  held: number[];
  /** The slot that it is giving back. */
  giving: number;
  killed: boolean;
}

interface World {
  readonly shared: Shared;
  readonly workers: Worker[];
}

interface Setting {
  readonly slots: number;
  readonly programs: readonly (readonly Op[])[];
  /** Worker 1 may be killed; recoverers wait for it. */
  readonly kill?: true;
  readonly same?: CasHead;
}

function begin({ slots, programs }: Setting): World {
  const next = Array.from({ length: slots }, (_, slot) => (slot === slots - 1 ? NO_SLOT : slot + 1));
  return {
    shared: { head: 1n, next, state: new Array(slots).fill(0) },
    workers: programs.map(() => ({ at: 0, log: [], held: [], giving: NO_SLOT, killed: false })),
  };
}

function copy(world: World): World {
  return {
    shared: { head: world.shared.head, next: [...world.shared.next], state: [...world.shared.state] },
    workers: world.workers.map((worker) => ({ ...worker, log: [...worker.log], held: [...worker.held] })),
  };
}

const idOf = (index: number): number => index + 1;

/** One access of a worker, and what it does up to the next. */
function step(setting: Setting, world: World, index: number): void {
  const worker = world.workers[index]!;
  const op = setting.programs[index]![worker.at]!;
  const list = new TaggedFreeList(new SteppedWords(world.shared, worker.log, setting.same ?? sameHead));
  if (op === "give" && worker.giving === NO_SLOT) {
    // From here on it does not use the slot any more.
    const slot = worker.held.shift();
    if (slot === undefined) {
      worker.at++;
      return;
    }
    worker.giving = slot;
  }
  try {
    if (op === "recover") {
      list.reclaim(1, idOf(index), setting.slots, () => {});
      worker.at++;
    } else if (op === "take") {
      const slot = list.tryPop(idOf(index));
      if (slot !== RETRY) worker.at++;
      if (slot >= 0) worker.held.push(slot);
    } else if (list.tryPush(worker.giving)) {
      worker.giving = NO_SLOT;
      worker.at++;
    }
    worker.log = [];
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  checkHeld(world);
}

function checkHeld(world: World): void {
  const holders = new Map<number, number>();
  world.workers.forEach((worker, index) => {
    if (worker.killed) return;
    for (const slot of worker.held) {
      if (holders.has(slot))
        throw new Error(`slot ${slot} is held by workers ${holders.get(slot)} and ${idOf(index)}`);
      holders.set(slot, idOf(index));
    }
  });
}

/** At the end each slot is in the list once, or its state names the live worker that holds it. */
function checkEnd(setting: Setting, world: World): void {
  const listed = new Set<number>();
  for (
    let slot = Number(world.shared.head & 0xffffffn) - 1;
    slot !== NO_SLOT;
    slot = world.shared.next[slot]!
  ) {
    if (listed.has(slot)) throw new Error(`the list goes round at slot ${slot}`);
    listed.add(slot);
  }
  for (let slot = 0; slot < setting.slots; slot++) {
    const owner = ownerIn(world.shared.state[slot]!);
    const holder = world.workers.findIndex((worker) => !worker.killed && worker.held.includes(slot));
    if (listed.has(slot) && (owner !== NOBODY || holder !== -1))
      throw new Error(`slot ${slot} is in the list and held`);
    if (!listed.has(slot) && holder === -1) throw new Error(`slot ${slot} is lost (its owner is ${owner})`);
    if (!listed.has(slot) && owner !== idOf(holder)) throw new Error(`slot ${slot} is not its holder's`);
  }
}

const KILL = -1;

/** The moves from a world: a step of a worker, or the death of the first. */
function moves(setting: Setting, world: World): number[] {
  const found: number[] = [];
  const victim = world.workers[0]!;
  world.workers.forEach((worker, index) => {
    const op = setting.programs[index]![worker.at];
    if (op === undefined || worker.killed || (op === "recover" && !victim.killed)) return;
    found.push(index);
  });
  // Killed after its program too: it dies with what it holds.
  if (setting.kill && !victim.killed) found.push(KILL);
  return found;
}

function move(setting: Setting, world: World, chosen: number): void {
  if (chosen === KILL) world.workers[0]!.killed = true;
  else step(setting, world, chosen);
}

/** Tags and versions by their rank among those that are still seen anywhere: only whether they are equal matters. */
function key(world: World): string {
  const { head, next, state } = world.shared;
  const live = world.workers.map((worker) => (worker.killed ? [] : worker.log));
  const tags = ranks([
    head >> 34n,
    ...live.flatMap((log) =>
      log.filter(({ of }) => of === -1).map(({ answer }) => (answer as bigint) >> 34n),
    ),
  ]);
  const versions = state.map((word, slot) =>
    ranks([
      word >>> 8,
      ...live.flatMap((log) =>
        log.filter(({ of }) => of === slot).map(({ answer }) => (answer as number) >>> 8),
      ),
    ]),
  );
  const headText = (word: bigint) => `${word & 0x3ffffffffn}t${tags.get(word >> 34n)}`;
  const stateText = (word: number, slot: number) => `${word & 0xff}v${versions[slot]!.get(word >>> 8)}`;
  const workers = world.workers.map((worker, index) => {
    if (worker.killed) return "x";
    const log = live[index]!.map(({ answer, of }) =>
      of === -1 ? headText(answer as bigint) : of >= 0 ? stateText(answer as number, of) : String(answer),
    );
    return `${worker.at}[${worker.held}]${worker.giving}:${log}`;
  });
  return `${headText(head)};${next};${state.map(stateText)};${workers.join(";")}`;
}

function ranks<T extends bigint | number>(values: T[]): Map<T, number> {
  const sorted = [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
  return new Map(sorted.map((value, rank) => [value, rank]));
}

/** Every order of steps, each world once. Returns how many worlds there are. */
function explore(setting: Setting): number {
  const first = begin(setting);
  const seen = new Set<string>([key(first)]);
  const open: World[] = [first];
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const choices = moves(setting, world);
    const running = choices.some((chosen) => chosen !== KILL);
    if (!running && (!setting.kill || world.workers[0]!.killed)) checkEnd(setting, world);
    for (const chosen of choices) {
      const next = copy(world);
      move(setting, next, chosen);
      const name = key(next);
      if (seen.has(name)) continue;
      seen.add(name);
      open.push(next);
    }
  }
  return seen.size;
}

/** Random orders, for what is too large to try in every order. */
function wander(setting: Setting, walks: number, seed: number): number {
  let random = seed;
  let steps = 0;
  for (let walk = 0; walk < walks; walk++) {
    const world = begin(setting);
    for (let choices = moves(setting, world); choices.length > 0; choices = moves(setting, world)) {
      random = (Math.imul(random, 1664525) + 1013904223) | 0;
      // Death is rare: most of a walk should be work.
      const working = choices.filter((chosen) => chosen !== KILL);
      const from = working.length > 0 && (random >>> 8) % 16 !== 0 ? working : choices;
      move(setting, world, from[(random >>> 16) % from.length]!);
      steps++;
    }
    checkEnd(setting, world);
  }
  return steps;
}

/**
 * The pattern of ABA for this list: one helps to complete a pop and sleeps with the old next in its hand; the other
 * completes it, pops the next slot, pushes the first back and pops it again.
 */
const aba: Op[][] = [["take", "take", "give", "take"], ["take"]];

test.each<[string, number, Op[][]]>([
  [
    "one slot, two workers",
    1,
    [
      ["take", "give"],
      ["take", "give"],
    ],
  ],
  [
    "two slots, two workers, twice",
    2,
    [
      ["take", "give", "take", "give"],
      ["take", "give", "take"],
    ],
  ],
  ["the pattern of ABA", 3, aba],
  ["three workers", 2, [["take", "give"], ["take"], ["take"]]],
])("every order: %s", (_name, slots, programs) => {
  expect(explore({ slots, programs })).toBeGreaterThan(300);
});

test("without the tag the explorer finds the ABA, so it would find one", () => {
  expect(() => explore({ slots: 3, programs: aba, same: sameHeadWithoutTag })).toThrow(/slot \d/);
});

test.each<[string, Op[], Op[]]>([
  ["takes", ["take"], ["take"]],
  ["takes and gives", ["take", "give"], ["take"]],
  ["takes one more after it gave", ["take", "give", "take"], ["take"]],
])("every order, killed before any access: a worker that %s loses no slot", (_name, victim, other) => {
  expect(explore({ slots: 2, programs: [victim, other, ["recover"]], kill: true })).toBeGreaterThan(1000);
});

test("two recover the same dead worker at a time: every order", () => {
  const programs: Op[][] = [["take"], ["recover"], ["recover"]];
  expect(explore({ slots: 2, programs, kill: true })).toBeGreaterThan(1000);
});

test("four workers, several rounds, one is killed: random orders", () => {
  const rounds: Op[] = ["take", "take", "give", "take", "give", "give", "take"];
  const programs: Op[][] = [rounds, rounds, rounds, ["recover"]];
  expect(wander({ slots: 4, programs, kill: true }, 300, 1)).toBeGreaterThan(15_000);
});
