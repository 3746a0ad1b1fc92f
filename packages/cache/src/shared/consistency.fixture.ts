import { type MemorySource, SharedSlabPool } from "@tz/alloc";
import { MAIN, SMALL } from "./entry-queues.js";
import { HEADER, PAGE_WORDS, RECORD_SHIFT, segmentLayout, segmentPages, WORKER_WORDS } from "./layout.js";
import { CACHE_OWNER } from "./page-heap.js";
import * as record from "./record.js";
import { openViews } from "./shared-memory.js";
import { classFor, classSizes, slotsOfPage, UNIT_BYTES } from "./size-classes.js";

/** What is wrong with a cache that nobody is changing: every structure against what the records say. Empty when all is well. */
export function inconsistencies(memory: MemorySource): string[] {
  const views = openViews(memory);
  const { header, records, heads, pageTable, layout } = views;
  const wrong: string[] = [];
  const expect = (holds: boolean, what: string): void => {
    if (!holds && wrong.length < 20) wrong.push(what);
  };
  const word = (index: number, field: number): number => records[(index << RECORD_SHIFT) + field]!;
  const used = header[HEADER.recordsUsed]!;
  const all = Array.from({ length: used }, (_, index) => index);
  const inState = (state: number): number[] => all.filter((index) => word(index, record.STATE) === state);
  const walk = (start: number, field: number, name: string): number[] => {
    const seen: number[] = [];
    for (let link = start; link !== 0; link = word(link - 1, field)) {
      seen.push(link - 1);
      if (seen.length > used) {
        expect(false, `${name} has a loop`);
        break;
      }
    }
    return seen;
  };
  const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);
  const equal = (a: readonly number[], b: readonly number[]): boolean =>
    sorted(a).join() === sorted(b).join();

  expect(header[HEADER.lockDirty] === 0, "the lock is dirty");
  const live = inState(record.LIVE);
  const queued = [SMALL, MAIN].flatMap((queue) => {
    const upwards = walk(header[HEADER.oldest + queue]!, record.NEWER, `queue ${queue} upwards`);
    const downwards = walk(header[HEADER.newest + queue]!, record.OLDER, `queue ${queue} downwards`);
    expect(upwards.join() === downwards.reverse().join(), `queue ${queue} is not the same both ways`);
    expect(
      upwards.every((index) => views.queues[index] === queue),
      `queue ${queue} holds entries of the other`,
    );
    return upwards;
  });
  expect(equal(queued, live), "the queues hold other entries than the live ones");
  expect(
    header[HEADER.liveEntries] === live.length,
    `liveEntries is ${header[HEADER.liveEntries]} of ${live.length}`,
  );
  expect(
    equal(walk(header[HEADER.freeRecords]!, record.NEWER, "free records"), inState(record.FREE)),
    "free records",
  );
  expect(
    equal(walk(header[HEADER.retired]!, record.NEWER, "retired"), inState(record.RETIRED)),
    "retired entries",
  );

  const chained: number[] = [];
  heads.forEach((start, bucket) => {
    if (start === 0) return;
    for (const index of walk(start, record.NEXT, `chain ${bucket}`)) {
      chained.push(index);
      expect(
        (word(index, record.HASH) & (heads.length - 1)) === bucket,
        `entry ${index} is in the wrong chain`,
      );
    }
  });
  expect(equal(chained, live), "the chains hold other entries than the live ones");

  const sizes = classSizes(layout.pageBytes);
  const taken = all.filter((index) => word(index, record.STATE) !== record.FREE);
  const blocks = taken.map((index) => {
    const sizeClass = classFor(sizes, word(index, record.KEY_BYTES) + word(index, record.VALUE_BYTES));
    const start = (word(index, record.UNIT) >>> 0) * UNIT_BYTES;
    return { index, sizeClass, start, end: start + sizes[sizeClass]!, page: word(index, record.PAGE) };
  });
  blocks.sort((a, b) => a.start - b.start);
  blocks.forEach((block, i) => {
    const next = blocks[i + 1];
    expect(
      next === undefined || block.end <= next.start,
      `entries ${block.index} and ${next?.index} overlap`,
    );
    expect(block.end <= layout.byteLength, `entry ${block.index} reaches over the end`);
  });
  let usedUnits = 0;
  let smallUnits = 0;
  const usedOfPage = new Map<number, number>();
  for (const { index, page, sizeClass } of blocks) {
    const units = sizes[sizeClass]! / UNIT_BYTES;
    usedUnits += units;
    if (word(index, record.STATE) === record.LIVE && views.queues[index] === SMALL) smallUnits += units;
    usedOfPage.set(page, (usedOfPage.get(page) ?? 0) + 1);
    expect(pageTable[page * PAGE_WORDS] === sizeClass + 1, `page ${page} has another class`);
  }
  expect(header[HEADER.usedUnits] === usedUnits, `usedUnits is ${header[HEADER.usedUnits]} of ${usedUnits}`);

  expect(
    header[HEADER.smallUnits] === smallUnits,
    `smallUnits is ${header[HEADER.smallUnits]} of ${smallUnits}`,
  );

  let ours = 0;
  const partial = new Set<number>();
  sizes.forEach((size, sizeClass) => {
    for (
      let link = header[HEADER.partialPages + sizeClass]!;
      link !== 0;
      link = pageTable[(link - 1) * PAGE_WORDS + 4]!
    ) {
      expect(!partial.has(link - 1), `page ${link - 1} is in a list twice`);
      if (partial.has(link - 1)) break;
      partial.add(link - 1);
      expect(
        (usedOfPage.get(link - 1) ?? 0) < slotsOfPage(layout.pageBytes, size),
        `page ${link - 1} is full`,
      );
    }
  });
  const empty = new Set<number>();
  for (
    let link = header[HEADER.emptyPages]!;
    link !== 0 && !empty.has(link - 1);
    link = pageTable[(link - 1) * PAGE_WORDS + 4]!
  )
    empty.add(link - 1);
  layout.segmentsAt.forEach((at, segment) => {
    const pages = segmentPages(layout, segment);
    const bytes = SharedSlabPool.bytesFor(segmentLayout(layout.pageBytes, pages));
    const view = new Uint8Array(views.stretch.buffer, views.stretch.byteOffset + at, bytes);
    const pool = SharedSlabPool.attach(view, { owner: 240, magazineSlots: 0 });
    for (let slot = 0; slot < pages; slot++) {
      const page = segment * layout.pagesPerSegment + slot;
      const owner = pool.ownerOf(slot);
      expect(owner === 0 || owner === CACHE_OWNER, `page ${page} is worker ${owner}'s`);
      if (owner !== CACHE_OWNER) continue;
      ours++;
      const count = usedOfPage.get(page) ?? 0;
      expect(
        pageTable[page * PAGE_WORDS + 1] === count,
        `page ${page} counts ${pageTable[page * PAGE_WORDS + 1]} of ${count}`,
      );
      const full =
        count > 0 && count === slotsOfPage(layout.pageBytes, sizes[pageTable[page * PAGE_WORDS]! - 1]!);
      expect(empty.has(page) === (count === 0), `page ${page} with ${count} slots: empty ${empty.has(page)}`);
      expect(
        partial.has(page) === (count > 0 && !full),
        `page ${page} with ${count} slots: partial ${partial.has(page)}`,
      );
    }
    pool.detach();
  });
  expect(header[HEADER.pagesTaken] === ours, `pagesTaken is ${header[HEADER.pagesTaken]} of ${ours}`);
  return wrong;
}

/** Pins of all workers, the dead ones too. */
export function pinsHeld(memory: MemorySource): number {
  return openViews(memory).pins.reduce((sum, row) => row.reduce((all, count) => all + count, sum), 0);
}

/** Rows that somebody has, dead or alive. */
export function workersAttached(memory: MemorySource): number {
  return openViews(memory).workers.filter((word, index) => index % WORKER_WORDS === 0 && word !== 0).length;
}
