import fc from "fast-check";
import { expect, test } from "vitest";
import { AllocError } from "./errors.js";
import { ObjectPool } from "./object-pool.js";

class Point {
  x = 0;
  y = 0;
  readonly number: number;
  constructor(number: number) {
    this.number = number;
  }
}
const reset = (point: Point) => {
  point.x = 0;
  point.y = 0;
};

test.each([undefined, (point: Point) => point.number])(
  "makes its objects once and resets them (numberOf: %s)",
  (numberOf) => {
    let made = 0;
    const pool = new ObjectPool({
      create: (number) => {
        made++;
        return new Point(number);
      },
      reset,
      capacity: 3,
      atCapacity: "null",
      ...(numberOf && { numberOf }),
    });
    const first = pool.acquire()!;
    first.x = 5;
    pool.acquire();
    pool.acquire();
    expect(pool.acquire()).toBeNull();
    pool.release(first);
    expect(first.x).toBe(0);
    expect(pool.acquire()).toBe(first);
    expect(made).toBe(3);
    expect(pool.used).toBe(3);
    expect(() => pool.release(new Point(0))).toThrow(expect.objectContaining({ code: "TZ_ALLOC_ADDRESS" }));
    pool.release(first);
    expect(() => pool.release(first)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_DOUBLE_FREE" }));
  },
);

test("an object whose reset throws stays held", () => {
  let fail = true;
  const pool = new ObjectPool({
    create: (number) => new Point(number),
    reset: () => {
      if (fail) throw new Error("boom");
    },
    capacity: 1,
  });
  const point = pool.acquire();
  expect(() => pool.release(point)).toThrow("boom");
  expect(pool.used).toBe(1);
  fail = false;
  pool.release(point);
  expect(pool.used).toBe(0);
});

test("a reset that releases its object is a double release", () => {
  const pool: ObjectPool<Point> = new ObjectPool({
    create: (number) => new Point(number),
    reset: (point) => pool.release(point),
    capacity: 2,
  });
  const point = pool.acquire();
  expect(() => pool.release(point)).toThrow(/object 0 is not held/);
});

test("refuses a create that is no maker of objects, and bad options", () => {
  const one = {};
  expect(() => new ObjectPool({ create: () => one, capacity: 2 })).toThrow(
    /must return a new object each time/,
  );
  expect(() => new ObjectPool({ create: () => 5 as never, capacity: 2 })).toThrow(
    /a new object each time, got 5/,
  );
  expect(() => new ObjectPool({ capacity: 2 } as never)).toThrow(
    /"create" must be a function, got undefined/,
  );
  expect(() => new ObjectPool({ create: () => ({}), capacity: 0 })).toThrow(
    /"capacity" must be an integer from 1/,
  );
});

test("debug mode reports who holds objects", () => {
  const pool = new ObjectPool({
    create: (number) => new Point(number),
    capacity: 2,
    debug: true,
    objectBytes: 40,
  });
  pool.release(pool.acquire());
  pool.acquire();
  expect(pool.leaks()).toMatchObject([{ id: 0, bytes: 40 }]);
  expect(pool.statistics()).toMatchObject({ allocatedBytes: 40, mappedBytes: 80, allocations: 2, frees: 1 });
});

test("acquire and release behave as a stack of free objects", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.integer({ min: -1, max: 8 })),
      (capacity, steps) => {
        const pool = new ObjectPool({
          create: (number) => new Point(number),
          reset,
          capacity,
          atCapacity: "null",
        });
        const free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
        const objects = new Map<number, Point>();
        const held = new Set<number>();
        for (const step of steps) {
          if (step === -1) {
            const object = pool.acquire();
            const number = free.pop();
            expect(object?.number).toBe(number);
            if (object !== null) {
              expect(object).toMatchObject({ x: 0, y: 0 });
              object.x = 1;
              objects.set(object.number, object);
              held.add(object.number);
            }
          } else if (held.delete(step)) {
            pool.release(objects.get(step)!);
            free.push(step);
          } else if (objects.has(step)) {
            expect(() => pool.release(objects.get(step)!)).toThrow(AllocError);
          }
          expect(pool.used).toBe(held.size);
        }
      },
    ),
  );
});
