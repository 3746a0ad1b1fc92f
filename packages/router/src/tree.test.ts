import fc from "fast-check";
import { expect, test } from "vitest";
import { RouterError } from "./errors.js";
import { parsePattern } from "./pattern.js";
import { writeProgram } from "./program.js";
import { Route } from "./route.js";
import { Router } from "./router.js";
import { Tree } from "./tree.js";

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(RouterError);
    return `${(error as RouterError).code}: ${(error as RouterError).message}`;
  }
  throw new Error("nothing was thrown");
}

function routerWith(...patterns: string[]): Router<string> {
  const router = new Router<string>();
  for (const pattern of patterns) router.add("GET", pattern, pattern);
  return router;
}

test("the same route twice is an error that names both", () => {
  const router = routerWith("/users/:id");
  expect(messageOf(() => router.add(["POST", "GET"], "/users/:id", ""))).toBe(
    'TZ_ROUTER_DUPLICATE: "POST,GET /users/:id" cannot be added: ' +
      '"GET /users/:id" matches the same method at the same place',
  );
});

test.each([
  ["/a%62c", "/abc"],
  ["/café", "/caf%C3%A9"],
  ["/x/:a?", "/x"],
  ["/x/:a?", "/x/:a"],
  ["/f/*", "/f/*"],
  ["/:a(int)", "/:a(int)"],
  ["/:a-:b", "/:a-:b"],
])("%s and %s are the same place", (first, second) => {
  const router = routerWith(first);
  expect(messageOf(() => router.get(second, ""))).toMatch(/^TZ_ROUTER_DUPLICATE/);
});

test.each([
  ["/a", "/a/"],
  ["/a", "/A"],
  ["/:a", "/:a(int)"],
  ["/:a{\\d+}", "/:a(int)"],
  ["/f/*", "/f"],
  ["/f/*", "/f/"],
  ["/f/*", "/f/:a"],
  ["/:a-:b", "/:a.:b"],
])("%s and %s are two places", (first, second) => {
  expect(routerWith(first, second).routes).toHaveLength(2);
});

test("with options there are fewer places", () => {
  const slash = new Router({ trailingSlash: "ignore" });
  slash.get("/a/", 1);
  expect(messageOf(() => slash.get("/a", 2))).toMatch(/DUPLICATE: "GET \/a" .* "GET \/a\/"/);
  const letters = new Router({ caseSensitive: false });
  letters.get("/A/:x-B", 1);
  expect(messageOf(() => letters.get("/a/:x-b", 2))).toMatch(/DUPLICATE/);
});

test.each([
  ["/users/:id", "/users/:name/posts", '"id" and "name"'],
  ["/:a-:b", "/:a-:c", '"b" and "c"'],
  ["/f/*", "/f/*path", '"*" and "path"'],
  ["/:a?/x", "/:b/x/y", '"a" and "b"'],
])("%s and %s give two names to one place", (first, second, names) => {
  const router = routerWith(first);
  const message = messageOf(() => router.add("POST", second, ""));
  expect(message).toBe(
    `TZ_ROUTER_PARAM_NAME: "${first}" and "${second}" name the parameter at one place differently: ${names}`,
  );
});

test("a route's own variants may name one place differently", () => {
  const router = routerWith("/:a?/:b/:c?");
  const params = (path: string) => ({ ...router.match("GET", path).params() });
  expect(params("/1")).toEqual({ b: "1" });
  expect(params("/1/2")).toEqual({ a: "1", b: "2" });
  expect(params("/1/2/3")).toEqual({ a: "1", b: "2", c: "3" });
});

test("what cannot be added leaves no trace", () => {
  const segment = fc.constantFrom("a", "ab", "abc", ":x", ":y", ":x(int)", ":x-:z", "a:w", ":o?", ":q?", "");
  const pattern = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom("", "/*", "/*rest"))
    .map(([segments, wildcard]) => segments.map((text) => `/${text}`).join("") + wildcard);
  let refused = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(pattern, fc.boolean()), { maxLength: 20 }), (added) => {
      const tree = new Tree({
        caseSensitive: true,
        ignoreTrailingSlash: true,
        visitsMax: 40,
        answered: (mask) => mask,
      });
      for (const [text, both] of added) {
        const before = writeProgram(tree.root, true).code;
        const { visitsMax } = tree.root;
        try {
          const variants = parsePattern(text);
          tree.insert(new Route(["GET"], text, undefined), variants, both ? [8, 1] : [1]);
        } catch (error) {
          if (!(error instanceof RouterError)) throw error;
          refused++;
          expect(writeProgram(tree.root, true).code).toEqual(before);
          expect(tree.root.visitsMax).toBe(visitsMax);
          expect(tree.leaves.every((leaf) => leaf.bindings.size > 0)).toBe(true);
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(100);
});

test("specificity decides between parameters at one place", () => {
  const router = routerWith("/:a", "/:a(int)", "/:a{[a-z0-9]+}", "/:a.json", "/:a-:b", "/:a-:b.json", "/x:a");
  const found = (path: string) => router.match("GET", path).value;
  expect(found("/x1")).toBe("/x:a");
  expect(found("/12")).toBe("/:a(int)");
  expect(found("/ab")).toBe("/:a{[a-z0-9]+}");
  expect(found("/AB")).toBe("/:a");
  expect(found("/a-b")).toBe("/:a-:b");
  expect(found("/a-b.json")).toBe("/:a-:b.json");
  expect(found("/12.json")).toBe("/:a.json");
  // One byte of text outweighs a constraint, and of two constraints the first that was added is tried first.
  expect(found("/1-2")).toBe("/:a-:b");
  expect(routerWith("/:b{\\d+}", "/:a(int)").match("GET", "/1").value).toBe("/:b{\\d+}");
});
