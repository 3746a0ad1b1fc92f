import { expect, test } from "vitest";
import { EntryTable, type EvictionPolicy, TableEntry } from "./entry-table.js";

class Item extends TableEntry {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

function filled(policy: EvictionPolicy, ...names: string[]): EntryTable<Item> {
  const table = new EntryTable<Item>(policy, 1);
  for (const name of names) table.insert(name, new Item(name));
  return table;
}

const namesIn = (table: EntryTable<Item>) => [...table.entries()].map((item) => item.name);

test("found by bytes anywhere and by text", () => {
  const table = filled("sieve", "/", "/a", "/ab", "/abc", "/abcd", "/abcde");
  for (const name of namesIn(table)) {
    expect(table.findText(name)?.name).toBe(name);
    expect(table.findText(`${name}?x=1`, name.length)?.name).toBe(name);
    for (let shift = 0; shift < 5; shift++) {
      const bytes = Buffer.from(`${" ".repeat(shift)}${name} HTTP/1.1`);
      expect(table.find(bytes, shift, shift + name.length)?.name).toBe(name);
    }
  }
  expect(table.findText("/x")).toBeUndefined();
  expect(table.findText("")).toBeUndefined();
  expect(table.findText("/abcdef")).toBeUndefined();
});

test("text beyond ASCII is not mistaken for what its low bytes spell", () => {
  const table = filled("sieve", "/A");
  expect(table.findText("/\u0141")).toBeUndefined();
  expect(table.findText("/\u00c1")).toBeUndefined();
});

test("NUL bytes are not padding", () => {
  const table = filled("sieve", "/a");
  expect(table.find(Buffer.from("/a\0\0"), 0, 4)).toBeUndefined();
  expect(table.find(Buffer.from("/a\0"), 0, 3)).toBeUndefined();
});

test("the same target again replaces", () => {
  const table = filled("sieve", "/a");
  const first = table.findText("/a");
  const second = new Item("second");
  expect(table.insert("/a", second)).toBe(first);
  expect(table.findText("/a")).toBe(second);
  expect(table.count).toBe(1);
  expect(table.remove(first!)).toBe(false);
  expect(table.remove(second)).toBe(true);
  expect(table.remove(second)).toBe(false);
  expect(table.count).toBe(0);
  expect(namesIn(table)).toEqual([]);
});

test("LRU gives up who was asked for longest ago", () => {
  const table = filled("lru", "/a", "/b", "/c");
  table.findText("/a");
  expect(namesIn(table)).toEqual(["/b", "/c", "/a"]);
  expect(table.victim()?.name).toBe("/b");
});

test("SIEVE spares who was asked for, once, and lets a scan through", () => {
  const table = filled("sieve", "/a", "/b", "/c");
  table.findText("/a");
  table.findText("/b");
  const evicted: string[] = [];
  for (let i = 0; i < 6; i++) {
    table.insert(`/scan${i}`, new Item(`/scan${i}`));
    const victim = table.victim()!;
    evicted.push(victim.name);
    table.remove(victim);
  }
  expect(evicted).toEqual(["/c", "/scan0", "/scan1", "/scan2", "/scan3", "/scan4"]);
  expect(table.findText("/a")).toBeDefined();
});

test("an empty table has no victim", () => {
  expect(new EntryTable<Item>("sieve").victim()).toBeUndefined();
  expect(new EntryTable<Item>("lru").victim()).toBeUndefined();
});

/** Asks for each name, and keeps it as a cache of so many entries does. */
function ask(table: EntryTable<Item>, max: number, name: string): boolean {
  if (table.findText(name) !== undefined) return true;
  table.insert(name, new Item(name));
  while (table.count > max) table.remove(table.victim()!);
  return false;
}

test("W-TinyLFU: what is asked for often outlives any number of names that are asked for once", () => {
  const table = filled("w-tinylfu");
  const popular = Array.from({ length: 80 }, (_, i) => `/popular/${i}`);
  for (let round = 0; round < 5; round++) for (const name of popular) ask(table, 100, name);
  for (let i = 0; i < 5000; i++) {
    ask(table, 100, `/once/${i}`);
    if (i % 10 === 0) ask(table, 100, popular[(i / 10) % 80]!);
  }
  expect(popular.filter((name) => table.findText(name) !== undefined).length).toBeGreaterThan(75);
  expect(table.count).toBe(100);
});

test("W-TinyLFU: when others become popular, they take the place", () => {
  const table = filled("w-tinylfu");
  const names = (what: string) => Array.from({ length: 80 }, (_, i) => `/${what}/${i}`);
  for (let round = 0; round < 5; round++) for (const name of names("old")) ask(table, 100, name);
  let hits = 0;
  for (let round = 0; round < 40; round++) {
    for (const name of names("new")) if (ask(table, 100, name) && round === 39) hits++;
  }
  expect(hits).toBeGreaterThan(70);
});
