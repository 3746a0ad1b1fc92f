import fc from "fast-check";
import { expect, test } from "vitest";
import { EntryTable, TableEntry } from "./entry-table.js";

class Item extends TableEntry {
  readonly id: number;
  constructor(id: number) {
    super();
    this.id = id;
  }
}

const key = fc.nat(300).map((n) => `/${"dir/".repeat(n % 4)}${n.toString(36)}`);
const step = fc.oneof(
  fc.record({ do: fc.constant("insert" as const), key }),
  fc.record({ do: fc.constant("find" as const), key }),
  fc.record({ do: fc.constant("remove" as const), key }),
  fc.record({ do: fc.constant("evict" as const), key }),
);

test.each(["sieve", "lru", "w-tinylfu"] as const)(
  "%s: behaves as a map, however it grows and compacts",
  (policy) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3000, size: "max" }), (steps) => {
        const table = new EntryTable<Item>(policy, 7);
        const model = new Map<string, Item>();
        let id = 0;
        for (const { do: what, key } of steps) {
          if (what === "insert") {
            const item = new Item(id++);
            expect(table.insert(key, item)).toBe(model.get(key));
            model.set(key, item);
          } else if (what === "find") {
            expect(table.findText(key)).toBe(model.get(key));
          } else {
            const item = what === "remove" ? model.get(key) : table.victim();
            expect(item === undefined).toBe(what === "remove" ? !model.has(key) : model.size === 0);
            if (item === undefined) continue;
            expect(table.remove(item)).toBe(true);
            for (const [name, value] of model) if (value === item) model.delete(name);
          }
          expect(table.count).toBe(model.size);
        }
        expect(new Set(table.entries())).toEqual(new Set(model.values()));
        for (const [name, item] of model) expect(table.findText(name)).toBe(item);
      }),
      { numRuns: 30 },
    );
  },
);
