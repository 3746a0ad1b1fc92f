import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesAt, drop, type HeldRange, hold, regionStats } from "./region-registry.js";

const rangeArbitrary = fc.record({ address: fc.nat(400), byteLength: fc.integer({ min: 1, max: 60 }) });
const askArbitrary = fc.record({
  address: fc.integer({ min: -5, max: 500 }),
  length: fc.integer({ min: 1, max: 70 }),
});

test("a range is found exactly when one held range contains all of it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(rangeArbitrary, fc.record({ drop: fc.nat(30) })), { maxLength: 60 }),
      fc.array(askArbitrary, { maxLength: 60 }),
      (steps, asks) => {
        const base = regionStats();
        const model: HeldRange[] = [];
        for (const step of steps) {
          if ("drop" in step) {
            const [gone] = model.splice(step.drop % Math.max(1, model.length), 1);
            if (gone !== undefined) drop(gone);
          } else {
            const range = { ...step, bytes: new Uint8Array(step.byteLength) };
            model.push(range);
            hold(range);
          }
        }
        const stats = regionStats();
        const answers = asks.map(({ address, length }) => typeof bytesAt(address, length) !== "string");
        for (const range of model) drop(range);
        expect(stats).toEqual({
          regions: base.regions + model.length,
          bytes: base.bytes + model.reduce((sum, range) => sum + range.byteLength, 0),
        });
        expect(answers).toEqual(
          asks.map(({ address, length }) =>
            model.some((r) => r.address <= address && address + length <= r.address + r.byteLength),
          ),
        );
        expect(regionStats()).toEqual(base);
      },
    ),
  );
});
