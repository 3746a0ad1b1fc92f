import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { ObjectPool } from "./object-pool.js";

setFlagsFromString("--allow-natives-syntax");
const haveSameMap = new Function("a", "b", "return %HaveSameMap(a, b)") as (a: object, b: object) => boolean;

test("objects of a pool keep one hidden class, also after use and reset", () => {
  const pool = new ObjectPool({
    create: () => ({ id: 0, name: "", next: undefined as object | undefined }),
    reset: (object) => {
      object.id = 0;
      object.name = "";
      object.next = undefined;
    },
    capacity: 16,
  });
  const objects = Array.from({ length: 16 }, () => pool.acquire());
  objects.forEach((object, i) => {
    object.id = i;
    object.name = `number ${i}`;
    object.next = objects[0];
  });
  for (const object of objects) pool.release(object);
  for (const object of objects) expect(haveSameMap(object, objects[0]!)).toBe(true);
  // That the question can be answered with no.
  expect(haveSameMap(objects[0]!, { name: "", id: 0 })).toBe(false);
});
