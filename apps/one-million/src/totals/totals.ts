import { randomBytes } from "node:crypto";
import { HEADER, type Pages } from "../memory/pages.js";
import { roundQuotient, roundSum, sumAsInteger } from "./exact-sum.js";
import { halfSipHash } from "./half-sip-hash.js";
import { KEY_CHUNK_UNITS } from "./key-records.js";
import { Lane, LaneSums } from "./lane.js";
import {
  currentRoot,
  MAX_KEY_CHUNKS,
  MAX_LANES,
  MAX_LEVELS,
  ROOT,
  ROOT_UNITS,
  Root,
  startRoot,
} from "./root.js";
import { UserTable, unitsOfLevel } from "./user-table.js";

/** What `GET /stats` answers. */
export interface Stats {
  readonly totalRequests: number;
  readonly uniqueUsers: number;
  /** The exact sum of all values, rounded once to the nearest double; `null` when that is beyond all doubles. */
  readonly sum: number | null;
  /**
   * `sum / totalRequests`, 0 before the first event; where the sum is beyond all doubles, the exact quotient rounded
   * once: it never is.
   */
  readonly avg: number;
}

/** Prepares shared memory that nobody uses yet for {@link Totals}. */
export function formatPages(pages: Pages, lanes: number): void {
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > MAX_LANES) {
    throw new RangeError(`lanes is ${lanes}; allowed: a whole number from 1 to ${MAX_LANES}`);
  }
  const key = randomBytes(8);
  pages.header[HEADER.hashKey] = key.readInt32LE(0);
  pages.header[HEADER.hashKey + 1] = key.readInt32LE(4);
  pages.header[HEADER.lanes] = lanes;
  Atomics.store(pages.header, HEADER.nextUnit, 1);
  startRoot(pages);
}

/** What hangs on one root, as this process sees it. */
class View {
  readonly root: Root;
  readonly users: UserTable;
  readonly lanes: readonly Lane[];

  constructor(pages: Pages, unit: number) {
    this.root = new Root(pages, unit);
    this.users = new UserTable(pages, this.root);
    this.lanes = Array.from(
      { length: pages.header[HEADER.lanes]! },
      (_, index) => new Lane(this.root.buffer, this.root.laneAt(index)),
    );
  }

  release(): void {
    this.users.release();
    this.root.release();
  }
}

/**
 * Totals that several processes count together, exact at every moment. One process counts in one lane; all may read and
 * reset.
 *
 * An event happens when its lane's sequence moves. {@link stats} gives the state at one moment: it reads all lanes and
 * reads again when one of them moved meanwhile. {@link reset} is one store, so each event is wholly before or wholly
 * after it.
 *
 * A user belongs to one event, the one whose record the table took. Another event of that user must not happen before
 * it, or there would be an event without its user. So the first one is wholly prepared before its record is published,
 * and another one that meets the record while its state names a lane makes the first one happen (one compare-and-swap),
 * then itself:
 *
 * ```
 *   new user       write record ─ prepare ─ intent ─ publish ─ move own sequence ─ settle record
 *                                                       │              or
 *   same user, another lane          find ──────────────┘─ move that sequence ─ settle ─ prepare ─ move own sequence
 * ```
 */
export class Totals {
  readonly #pages: Pages;
  readonly #lane: number;
  readonly #key0: number;
  readonly #key1: number;
  #view: View;

  /** @param lane which lane this process writes; no other process may write it */
  constructor(pages: Pages, lane: number) {
    const lanes = pages.header[HEADER.lanes]!;
    if (!Number.isInteger(lane) || lane < 0 || lane >= lanes) {
      throw new RangeError(`lane is ${lane}; allowed: a whole number from 0 to ${lanes - 1}`);
    }
    this.#pages = pages;
    this.#lane = lane;
    this.#key0 = pages.header[HEADER.hashKey]!;
    this.#key1 = pages.header[HEADER.hashKey + 1]!;
    this.#view = new View(pages, currentRoot(pages));
  }

  /**
   * Counts one event.
   * @param bytes the name of the user is `bytes[start, end)`, UTF-8
   * @param value finite
   * @throws StoreFullError when the user is new and there is no room; nothing is counted then
   */
  record(bytes: Uint8Array, start: number, end: number, value: number): void {
    const { users, lanes } = this.#current();
    const lane = lanes[this.#lane]!;
    users.help();
    const hash = halfSipHash(bytes, start, end, this.#key0, this.#key1);
    const known = users.find(hash, bytes, start, end);
    if (known !== 0) {
      if (!users.records.wasSettled) this.#count(known);
      lane.prepare(value, false);
      lane.commit();
      return;
    }
    const { sequence } = lane;
    const record = users.records.write(hash, bytes, start, end, this.#lane, sequence);
    lane.prepare(value, true);
    lane.intent = record;
    const published = this.#publish(record, hash, bytes, start, end);
    if (published === record) {
      lane.commitAt(sequence);
      users.records.settle(record);
      return;
    }
    this.#count(published);
    lane.prepare(value, false);
    lane.commit();
  }

  /** Counts the event that brought a user, unless it is known to be counted. */
  #count(record: number): void {
    const { users, lanes } = this.#view;
    const { records } = users;
    const owner = records.laneOf(record);
    if (owner < 0) return;
    lanes[owner]!.commitAt(records.sequenceOf(record));
    records.settle(record);
  }

  /** Publishes the record written last. @returns the one that holds, as {@link UserTable.publish} */
  #publish(record: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const { users, lanes } = this.#view;
    let published = 0;
    try {
      published = users.publish(record, hash, bytes, start, end);
      return published;
    } finally {
      if (published !== record) {
        lanes[this.#lane]!.intent = 0;
        users.records.takeBack();
      }
    }
  }

  /** The totals at one moment. */
  stats(): Stats {
    for (;;) {
      const { root, lanes } = this.#current();
      const sequences = lanes.map((lane) => lane.sequence);
      const sums = new LaneSums();
      for (const lane of lanes) lane.addTo(sums);
      const moved = lanes.some((lane, index) => lane.sequence !== sequences[index]);
      if (moved || currentRoot(this.#pages) !== root.unit) continue;
      return statsOf(sums.count, sums.users, sumAsInteger(sums.digits, 0));
    }
  }

  /** Another number after each reset. */
  get epoch(): number {
    return currentRoot(this.#pages);
  }

  /** Everything that was counted is forgotten, at one moment; its memory goes back to the system. */
  reset(): void {
    const before = startRoot(this.#pages);
    this.#current();
    discardRoot(this.#pages, before);
  }

  /**
   * Finishes what a process was doing in this lane when it was killed: an event whose new user other processes can
   * see already is counted, any other never happened. To be called before the lane is used again.
   * @returns whether an event was counted
   */
  recover(): boolean {
    const { users, lanes } = this.#current();
    const lane = lanes[this.#lane]!;
    const record = lane.intent;
    if (record === 0) return false;
    const { records } = users;
    const name = records.nameOf(record);
    const hash = halfSipHash(name, 0, name.byteLength, this.#key0, this.#key1);
    const before = lane.sequence;
    if (users.find(hash, name, 0, name.byteLength) === record) this.#count(record);
    // Last: whoever is killed before it does all of this again, which changes nothing.
    lane.intent = 0;
    return lane.sequence !== before;
  }

  close(): void {
    this.#view.release();
  }

  #current(): View {
    const unit = currentRoot(this.#pages);
    if (unit !== this.#view.root.unit) {
      this.#view.release();
      this.#view = new View(this.#pages, unit);
    }
    return this.#view;
  }
}

/** @param sum in units of 2^-1074 */
export function statsOf(totalRequests: number, uniqueUsers: number, sum: bigint): Stats {
  const rounded = roundSum(sum);
  if (!Number.isFinite(rounded)) {
    return { totalRequests, uniqueUsers, sum: null, avg: roundQuotient(sum, totalRequests) };
  }
  return { totalRequests, uniqueUsers, sum: rounded, avg: totalRequests === 0 ? 0 : rounded / totalRequests };
}

/** A process that still works on it finishes its event there; what it writes then, nobody reads. */
function discardRoot(pages: Pages, unit: number): void {
  const root = new Root(pages, unit);
  const { words } = root;
  const chunks = Math.min(words[ROOT.keyChunks]!, MAX_KEY_CHUNKS);
  const units: [number, number][] = [];
  for (let at = 0; at < MAX_LEVELS; at++) units.push([words[ROOT.levelUnit + at]!, unitsOfLevel(at)]);
  for (let at = 0; at < chunks; at++) units.push([words[ROOT.keyChunkUnit + at]!, KEY_CHUNK_UNITS]);
  root.release();
  for (const [at, count] of units) if (at !== 0) pages.discard(at, count);
  pages.discard(unit, ROOT_UNITS);
}
