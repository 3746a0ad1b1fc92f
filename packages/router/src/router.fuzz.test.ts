import fc from "fast-check";
import { expect, test } from "vitest";
import { RouterError } from "./errors.js";
import { RouteMatch } from "./match.js";
import {
  type NaiveConstraint,
  type NaivePiece,
  type NaiveRoute,
  NaiveRouter,
  patternOf,
} from "./naive-router.fixture.js";
import { Router } from "./router.js";

// Few different pieces, so that routes overlap and paths meet them.
const texts = ["a", "b", "ab", "A", "-", ".", "a.b", "é", "a/b", "100%", "longer-static-text"];
const constraints: NaiveConstraint[] = [
  { source: "(int)", regex: /^-?[0-9]+$/ },
  { source: "(slug)", regex: /^[a-z0-9]+(?:-[a-z0-9]+)*$/ },
  { source: "{[ab]+}", regex: /^[ab]+$/ },
  { source: "{\\d{1,2}|a.*}", regex: /^(?:\d{1,2}|a.*)$/u },
  { source: "{[^-]+}", regex: /^[^-]+$/u },
];

interface PieceShape {
  readonly text?: string;
  readonly constraint?: NaiveConstraint | undefined;
}

const paramShape = fc.record({ constraint: fc.option(fc.constantFrom(...constraints), { nil: undefined }) });
const textShape = fc.record({ text: fc.constantFrom(...texts) });
const segmentShape = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(textShape) },
  { weight: 5, arbitrary: fc.tuple(paramShape) },
  { weight: 1, arbitrary: fc.tuple(textShape, paramShape) },
  { weight: 1, arbitrary: fc.tuple(paramShape, textShape) },
  { weight: 1, arbitrary: fc.tuple(paramShape, textShape, paramShape) },
  { weight: 1, arbitrary: fc.tuple(textShape, paramShape, textShape, paramShape, textShape) },
);

const routeShape = fc.record({
  method: fc.constantFrom("GET", "GET", "POST", "HEAD", "OPTIONS", "*"),
  segments: fc.array(fc.record({ pieces: segmentShape, optional: fc.boolean() }), { maxLength: 4 }),
  ending: fc.constantFrom("none", "none", "none", "slash", "wildcard", "named wildcard"),
});

/** Parameters are named by where they stand, so that routes seldom disagree about the name at a place. */
const route: fc.Arbitrary<NaiveRoute> = routeShape.map(({ method, segments, ending }) => {
  let optionals = 0;
  const named = segments.map(({ pieces, optional }, depth) => {
    const made = (pieces as PieceShape[]).map((piece, index): NaivePiece => {
      if (piece.text !== undefined) return { text: piece.text };
      const name = `p${depth}_${index}`;
      return piece.constraint === undefined ? { name } : { name, constraint: piece.constraint };
    });
    const isParam = made.length === 1 && "name" in made[0]!;
    return { pieces: made, optional: isParam && optional && ++optionals <= 3 };
  });
  if (ending === "slash") named.push({ pieces: [], optional: false });
  if (ending === "none" || ending === "slash") return { method, segments: named };
  return { method, segments: named, wildcard: ending === "wildcard" ? "" : "rest" };
});

const pathPiece = fc.constantFrom(
  "a",
  "b",
  "ab",
  "A",
  "-",
  ".",
  "1",
  "42",
  "é",
  "%C3%A9",
  "%2F",
  "%25",
  "%3F",
  "%61",
  "%2d",
  "",
  "/",
  "100%25",
  "longer-static-text",
  "a.b",
  "x-y.z",
  "%",
  "%zz",
  "%FF",
  "%E2%82",
  "😀",
);
const path = fc.array(fc.array(pathPiece, { maxLength: 3 }), { maxLength: 5 }).map((segments) => {
  return `/${segments.map((pieces) => pieces.join("")).join("/")}`;
});
const query = fc.constantFrom("", "", "?", "?x=1", "?a/b%zz");
const method = fc.constantFrom("GET", "GET", "POST", "HEAD", "OPTIONS", "DELETE");

/** A path that one of the routes probably matches: its texts, and values for its parameters. */
function pathFor(chosen: NaiveRoute, values: readonly string[]): string {
  const next = (() => {
    let i = 0;
    return () => values[i++ % values.length]!;
  })();
  const segments = chosen.segments.map(({ pieces }) =>
    pieces.map((piece) => ("text" in piece ? encodeURIComponent(piece.text) : next())).join(""),
  );
  if (chosen.wildcard !== undefined) segments.push(next());
  return `/${segments.join("/")}`;
}

const encoder = new TextEncoder();

function answerOf(match: RouteMatch<NaiveRoute>): object {
  if (match.outcome === "found") {
    const params = Object.fromEntries(
      Array.from({ length: match.paramCount }, (_, index) => [match.paramName(index), match.param(index)]),
    );
    return { outcome: "found", route: match.value, params };
  }
  if (match.allow === "") return { outcome: match.outcome };
  return { outcome: match.outcome, allow: match.allow.split(", ").sort() };
}

function addAll(routes: readonly NaiveRoute[], router: Router<NaiveRoute>, naive: NaiveRouter): NaiveRoute[] {
  return routes.filter((each) => {
    let code: string | undefined;
    try {
      router.add(each.method, patternOf(each), each);
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      code = error.code;
    }
    if (code === undefined || code === "TZ_ROUTER_DUPLICATE") {
      expect(naive.add(each), patternOf(each)).toBe(code === undefined);
    }
    return code === undefined;
  });
}

test.each([
  { codeGeneration: "auto", caseSensitive: true, trailingSlash: "strict" },
  { codeGeneration: "never", caseSensitive: true, trailingSlash: "strict" },
  { codeGeneration: "auto", caseSensitive: false, trailingSlash: "strict" },
  { codeGeneration: "never", caseSensitive: false, trailingSlash: "strict" },
  { codeGeneration: "auto", caseSensitive: true, trailingSlash: "ignore" },
  { codeGeneration: "never", caseSensitive: false, trailingSlash: "ignore" },
] as const)("answers as a list of routes does: %o", (options) => {
  fc.assert(
    fc.property(
      fc.array(route, { maxLength: 12 }),
      fc.array(fc.tuple(method, path, query), { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(fc.nat(), fc.array(pathPiece, { minLength: 1, maxLength: 4 })), { maxLength: 8 }),
      (routes, requests, aimed) => {
        const router = new Router<NaiveRoute>(options);
        const naive = new NaiveRouter({
          caseSensitive: options.caseSensitive,
          ignoreTrailingSlash: options.trailingSlash === "ignore",
        });
        const added = addAll(routes, router, naive);
        router.compile();
        const all: [string, string, string][] = [...requests];
        for (const [which, values] of aimed) {
          const chosen = added[which % added.length];
          if (chosen !== undefined) all.push([chosen.method, pathFor(chosen, values), ""]);
        }
        const into = new RouteMatch<NaiveRoute>();
        for (const [asked, target, search] of all) {
          const expected = naive.match(asked, target);
          const about = `${asked} ${target}${search} in ${added.map(patternOf).join(" ")}`;
          expect(answerOf(router.match(asked, target + search)), about).toEqual(expected);
          // In the middle of other bytes, and up to the last byte of its memory.
          for (const around of ["GET ", ""]) {
            const bytes = encoder.encode(around + target + search + around);
            const found = router.matchBytes(asked, bytes, around.length, bytes.length - around.length, into);
            expect(answerOf(found), `${about}, as bytes`).toEqual(expected);
            expect(found.pathLength).toBe(encoder.encode(target).length);
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});
