import { HEADER, type Pages } from "../memory/pages.js";
import { halfSipHash } from "./half-sip-hash.js";
import { Lane } from "./lane.js";
import { currentRoot, MAX_LANES, Root } from "./root.js";
import { UserTable } from "./user-table.js";

/** What one event does to the shared memory, piece by piece; each name says what has just been done. */
export type Step =
  | "found"
  | "other moved"
  | "other settled"
  | "written"
  | "prepared"
  | "intended"
  | "published"
  | "taken back"
  | "committed"
  | "settled"
  | "counted";

/** After these others see something new, or this worker has seen what others did; the rest is its own affair. */
export const SEEN_STEPS: ReadonlySet<Step> = new Set([
  "found",
  "intended",
  "published",
  "other moved",
  "other settled",
  "committed",
  "settled",
  "counted",
]);
/** The event is over. */
export const LAST_STEPS: ReadonlySet<Step> = new Set(["settled", "counted"]);

/**
 * The steps of Totals.record, so that a test can stop between any two of them. Between two steps at most one store is
 * seen by others: a plain one of a copy that nobody reads, or an atomic one.
 */
export function* stepsOfEvent(
  pages: Pages,
  lane: number,
  name: Uint8Array,
  value: number,
): Generator<Step, void> {
  const root = new Root(pages, currentRoot(pages));
  const table = new UserTable(pages, root);
  const { records } = table;
  const lanes = Array.from({ length: MAX_LANES }, (_, at) => new Lane(root.buffer, root.laneAt(at)));
  const mine = lanes[lane]!;
  const { header } = pages;
  const end = name.byteLength;
  const hash = halfSipHash(name, 0, end, header[HEADER.hashKey]!, header[HEADER.hashKey + 1]!);

  const known = table.find(hash, name, 0, end);
  yield "found";
  if (known === 0) {
    const record = records.write(hash, name, 0, end, lane, mine.sequence);
    yield "written";
    mine.prepare(value, true);
    yield "prepared";
    mine.intent = record;
    yield "intended";
    const published = table.publish(record, hash, name, 0, end);
    yield "published";
    if (published === record) {
      mine.commitAt(records.sequenceOf(record));
      yield "committed";
      records.settle(record);
      yield "settled";
      return;
    }
    mine.intent = 0;
    records.takeBack();
    yield "taken back";
    yield* help(published);
  } else {
    yield* help(known);
  }
  mine.prepare(value, false);
  yield "prepared";
  mine.commit();
  yield "counted";

  function* help(record: number): Generator<Step, void> {
    const owner = records.laneOf(record);
    if (owner < 0) return;
    lanes[owner]!.commitAt(records.sequenceOf(record));
    yield "other moved";
    records.settle(record);
    yield "other settled";
  }
}
