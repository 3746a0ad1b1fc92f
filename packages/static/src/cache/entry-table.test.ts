import { expect, test } from "vitest";
import { EntryTable, TableEntry } from "./entry-table.js";

class Item extends TableEntry {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

function filled(policy: "sieve" | "lru", ...names: string[]): EntryTable<Item> {
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
