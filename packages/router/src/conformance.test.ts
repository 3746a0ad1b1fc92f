import { readFileSync } from "node:fs";
import FindMyWay from "find-my-way";
import { addRoute, createRouter, findRoute } from "rou3";
import { compileRouter } from "rou3/compiler";
import { expect, test } from "vitest";
import {
  type Answer,
  CONFORMANCE,
  type ConformanceCase,
  type ConformanceRequest,
  DIFFERENCES,
} from "./conformance-table.fixture.js";
import { Router } from "./router.js";

type Ask = (request: ConformanceRequest) => Answer;

/** Method and pattern of each route. */
function routesOf({ routes }: ConformanceCase): [method: string, pattern: string][] {
  return routes.map((route) => {
    const [method, pattern] = route.startsWith("/") ? ["GET", route] : route.split(" ");
    return [method!, pattern!];
  });
}

/** Types and braces as the parentheses of the others. */
function inParentheses(pattern: string): string {
  return pattern.replace("(int)", "(-?\\d+)").replace(/:(\w+)\{([^{}]*)\}/g, ":$1($2)");
}

/** An unnamed wildcard is `*`, which rou3 calls `0` and `_`; an optional parameter without a value is absent. */
function answer(pattern: string, params: Readonly<Record<string, unknown>> | undefined): Answer {
  const named = Object.entries(params ?? {}).filter(([, value]) => value !== undefined);
  return [
    pattern,
    Object.fromEntries(named.map(([name, value]) => [/^[0_]$/.test(name) ? "*" : name, String(value)])),
  ];
}

function ours(table: ConformanceCase, codeGeneration: "auto" | "never", asBytes: boolean): Ask {
  const router = new Router<string>({ codeGeneration });
  for (const [method, pattern] of routesOf(table)) router.add(method, pattern, pattern);
  router.compile();
  return ({ method = "GET", path }) => {
    const bytes = new TextEncoder().encode(path);
    const match = asBytes ? router.matchBytes(method, bytes, 0, bytes.length) : router.match(method, path);
    if (match.value === undefined) return null;
    const names = Array.from({ length: match.paramCount }, (_, index) => [
      match.paramName(index),
      match.param(index),
    ]);
    return answer(match.value, Object.fromEntries(names));
  };
}

function findMyWay(table: ConformanceCase, compiled: boolean): Ask {
  const router = FindMyWay();
  for (const [method, pattern] of routesOf(table)) {
    router.on(method as "GET", inParentheses(pattern).replace(/\*\w+$/, "*"), () => {}, pattern);
  }
  if (compiled) (router as unknown as { compile(): void }).compile();
  return ({ method = "GET", path }) => {
    const found = router.find(method as "GET", path);
    return found === null ? null : answer(found.store as string, found.params);
  };
}

function rou3(table: ConformanceCase, compiled: boolean): Ask {
  const router = createRouter<string>();
  for (const [method, pattern] of routesOf(table)) {
    addRoute(router, method, inParentheses(pattern).replace(/\*(\w+)$/, "**:$1"), pattern);
  }
  const lookup = compileRouter(router);
  return ({ method = "GET", path }) => {
    const found = compiled ? lookup(method, path) : findRoute(router, method, path);
    return found === undefined ? null : answer(found.data, found.params);
  };
}

function full(expected: Answer): Answer {
  return expected === null ? null : answer(expected[0], expected[1]);
}

test.each(CONFORMANCE.map((table) => [table.about, table] as const))("%s", (_, table) => {
  const own = [true, false].flatMap((asBytes) => [
    ours(table, "auto", asBytes),
    ours(table, "never", asBytes),
  ]);
  const peers = [
    ["findMyWay", [findMyWay(table, false), findMyWay(table, true)]],
    ["rou3", [rou3(table, false), rou3(table, true)]],
  ] as const;
  for (const request of table.requests) {
    for (const ask of own) expect(ask(request), request.path).toEqual(full(request.expect));
    for (const [peer, asks] of peers) {
      const [, expected] = request[peer] ?? ["", request.expect];
      for (const ask of asks) expect(ask(request), `${peer}: ${request.path}`).toEqual(full(expected));
      // A stated difference has to be one.
      if (request[peer] !== undefined) expect(full(expected)).not.toEqual(full(request.expect));
    }
  }
});

test("every reason for a difference is used and explained in the reference", () => {
  const used = CONFORMANCE.flatMap(({ requests }) =>
    requests.flatMap(({ findMyWay, rou3 }) =>
      [findMyWay?.[0], rou3?.[0]].filter((reason) => reason !== undefined),
    ),
  );
  expect([...new Set(used)].sort()).toEqual([...DIFFERENCES]);
  const reference = readFileSync(new URL("../../../docs/reference/router.md", import.meta.url), "utf8");
  for (const reason of DIFFERENCES) expect(reference).toContain(`| \`${reason}\` |`);
});
