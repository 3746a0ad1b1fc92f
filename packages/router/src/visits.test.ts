import fc from "fast-check";
import { expect, test } from "vitest";
import { FIRST_CAPTURE_SLOT, NO_MATCH, RAW_BYTE_MAX } from "./byte-matcher.js";
import { RouterError } from "./errors.js";
import { MixedSegment } from "./mixed-segment.js";
import { ROUTER_LIMITS, ROUTER_OPTIONS } from "./options.js";
import { parsePattern } from "./pattern.js";
import { writeProgram } from "./program.js";
import { compileRegex } from "./regex/automaton.js";
import { Route } from "./route.js";
import { Router } from "./router.js";
import { Tree } from "./tree.js";
import { Walker } from "./walk.js";

const encoder = new TextEncoder();
const GET = 1;
const POST = 8;

/** A walker and what it may do, over a tree whose ambiguity is not limited. */
function walkerOf(patterns: readonly string[]) {
  const tree = new Tree({
    caseSensitive: true,
    ignoreTrailingSlash: false,
    visitsMax: 1e9,
    answered: (mask) => mask,
  });
  for (const pattern of patterns) {
    try {
      tree.insert(new Route(["GET"], pattern, undefined), parsePattern(pattern), [GET]);
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
    }
  }
  const walker = new Walker(writeProgram(tree.root, true));
  const offsets = new Int32Array(FIRST_CAPTURE_SLOT + 2 * tree.captureCountMax);
  const visits = (path: string, bit = GET) => {
    const bytes = encoder.encode(path);
    const id = walker.match(bytes, new DataView(bytes.buffer), 0, bytes.length, bit, RAW_BYTE_MAX, offsets);
    return { id, visits: walker.visits };
  };
  return { visits, visitsMax: tree.root.visitsMax };
}

/** All ways to make each of `depth` segments static or a parameter. */
function allMixtures(depth: number): string[] {
  const segments = (index: number): string[] =>
    index === depth ? [""] : segments(index + 1).flatMap((rest) => [`/a${rest}`, `/:p${index}${rest}`]);
  return segments(0).map((pattern) => `${pattern}/x`);
}

test.each([1, 2, 4, 7])(
  "a table of all mixtures of %i segments is searched once, not for each byte",
  (depth) => {
    const { visits, visitsMax } = walkerOf(allMixtures(depth));
    // Every route shares the first segments of the path and none its end.
    const worst = visits(`${"/a".repeat(depth)}/y`);
    expect(worst.id).toBe(NO_MATCH);
    expect(worst.visits).toBeLessThanOrEqual(visitsMax);
    expect(visitsMax).toBeLessThanOrEqual(6 * 2 ** depth);
    // Every route is a candidate, so the bound cannot be far below the number of routes.
    expect(worst.visits).toBeGreaterThanOrEqual(2 ** depth);
    // A longer path does not cost more visits: the tree ends.
    const longer = visits(`${"/a".repeat(depth)}${"/a".repeat(1000)}/y`);
    expect(longer.visits).toBeLessThanOrEqual(visitsMax);
  },
);

test("wildcards at every level of a deep path are each tried once", () => {
  const depth = 200;
  const { visits, visitsMax } = walkerOf(Array.from({ length: depth }, (_, i) => `${"/a".repeat(i)}/*`));
  const found = visits("/a".repeat(depth), POST);
  expect(found.id).toBe(NO_MATCH);
  expect(found.visits).toBeLessThanOrEqual(visitsMax);
  expect(visitsMax).toBeLessThanOrEqual(3 * depth);
});

test("no path makes a walk visit more than the bound of its table", () => {
  const segment = fc.constantFrom("a", "b", "ab", ":x", ":y(int)", ":z{[ab]+}", ":v-:w", "a:u", ":o?", "");
  const pattern = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => {
    // Names differ by depth, so that conflicts of names do not thin the table out.
    return segments.map((text, depth) => `/${text.replace(/:([a-z])/g, `:$1${depth}`)}`).join("");
  });
  const path = fc
    .array(fc.constantFrom("a", "b", "ab", "1", "a-b", "", "-"), { minLength: 1, maxLength: 8 })
    .map((segments) => `/${segments.join("/")}`);
  fc.assert(
    fc.property(
      fc.array(pattern, { maxLength: 25 }),
      fc.array(path, { maxLength: 10 }),
      (patterns, paths) => {
        const { visits, visitsMax } = walkerOf(patterns);
        for (const each of paths) {
          expect(visits(each).visits).toBeLessThanOrEqual(visitsMax);
          expect(visits(each, POST).visits).toBeLessThanOrEqual(visitsMax);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("a table that could become slow is refused where it is made", () => {
  const router = new Router({ maxVisits: 64 });
  const add = () => {
    for (const pattern of allMixtures(7)) router.get(pattern, pattern);
  };
  expect(add).toThrow(/a match could visit \d+ nodes, more than maxVisits = 64/);
  expect(router.visitsMax).toBeLessThanOrEqual(64);
  expect(new Router().visitsMax).toBe(1);
});

test("ordinary tables are far from the limit", () => {
  const router = new Router();
  const resources = ["users", "posts", "comments", "orders", "products", "teams", "projects", "repos"];
  for (const outer of resources) {
    router.get(`/:tenant/${outer}`, 0);
    router.get(`/${outer}`, 0);
    router.get(`/${outer}/new`, 0);
    router.get(`/${outer}/:id(int)`, 0);
    router.get(`/${outer}/:id`, 0);
    for (const inner of resources) {
      router.get(`/${outer}/:id/${inner}/:other?`, 0);
      router.get(`/:tenant/${outer}/:id/${inner}/:other?`, 0);
    }
  }
  router.get("/*", 0);
  expect(router.visitsMax).toBeLessThan(ROUTER_OPTIONS.maxVisits.default / 10);
});

test("the search inside a segment remembers where it failed", () => {
  const { value: bytesMax } = ROUTER_LIMITS.mixedSegmentBytes;
  const automaton = compileRegex("a+");
  let reads = 0;
  const next = new Proxy(automaton.next, {
    get: (target, key) => {
      reads++;
      return target[key as unknown as number];
    },
  });
  const constraint = { text: "{a+}", automaton: { ...automaton, next }, convert: undefined };
  const params = ["p", "q", "r", "s", "t"].map((name) => ({ name, constraint }));
  const text = encoder.encode("a");
  const pieces = params.flatMap((param) => [param, text]).slice(0, -1);
  const segment = new MixedSegment(pieces, true);
  const bytes = encoder.encode(`${"a".repeat(bytesMax - 1)}!`);
  const offsets = new Int32Array(20);
  // Without the memory this would be all ways to cut 255 letters into five: more than 10⁸.
  expect(segment.match(bytes, 0, bytes.length, offsets, 0)).toBe(0);
  expect(reads).toBeLessThanOrEqual((params.length * bytesMax ** 2) / 2);
  expect(segment.match(bytes, 0, bytes.length - 1, offsets, 0)).toBe(1);
  expect(segment.match(new Uint8Array(bytesMax + 1).fill(0x61), 0, bytesMax + 1, offsets, 0)).toBe(0);
});
