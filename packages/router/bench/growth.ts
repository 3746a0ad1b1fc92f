import { Router } from "@tz/router";
import type { Contender } from "./contenders.js";
import { PEERS, targetsOf } from "./contenders.js";
import type { TableRequest, TableRoute } from "./tables.js";
import { timeContenders } from "./timing.js";

const WORDS = ["users", "posts", "comments", "orders", "products", "invoices", "teams", "projects"].concat([
  "files",
  "events",
  "tags",
  "labels",
  "issues",
  "pulls",
  "commits",
  "branches",
]);

/** `count` routes with three parameters each. */
export function threeParameterRoutes(count: number): TableRoute[] {
  return Array.from({ length: count }, (_, index) => {
    const [a, b, c] = [index, index >> 4, index >> 8].map((part) => WORDS[part % WORDS.length]!);
    const part = index >> 12;
    return { method: "GET", pattern: `/${a}/:a/${b}${part === 0 ? "" : part}/:b/${c}/:c` };
  });
}

/** The request for a route: values of 5 or 6 characters. */
export function requestFor({ pattern }: TableRoute): TableRequest {
  const params = { a: "12345", b: "abcdef", c: "9f8e7d" };
  return {
    method: "GET",
    path: pattern.replace(/:([abc])/g, (_, name: "a" | "b" | "c") => params[name]),
    params,
  };
}

function ours(routes: readonly TableRoute[], kind: "string" | "bytes"): Contender {
  const router = new Router<string>();
  for (const { method, pattern } of routes) router.add(method, pattern, pattern);
  router.compile();
  return {
    name: `@tz/router, ${kind}`,
    find: ({ method, path, bytes, start, end }) =>
      kind === "string" ? router.match(method, path) : router.matchBytes(method, bytes, start, end),
    readByName: () => 0,
    read: () => undefined,
  };
}

export interface GrowthPoint {
  readonly routes: number;
  readonly ns: Readonly<Record<string, number>>;
}

/**
 * The time of a match in tables of more and more routes, with the same number of parameters and about the same
 * length of path: of one route that is asked for again and again, and of 64 that are spread over the table.
 */
export function measureGrowth(counts: readonly number[], rounds: number): GrowthPoint[] {
  return counts.map((count) => {
    const routes = threeParameterRoutes(count);
    const spread = Array.from({ length: 64 }, (_, index) => routes[Math.floor((index * count) / 64)]!);
    const middle = [routes[count >> 1]!];
    // The walking peers; their compiled modes take minutes to settle in large tables.
    const peers = [PEERS[0]!({ routes }), PEERS[2]!({ routes })];
    const contenders = [ours(routes, "bytes"), ours(routes, "string"), ...peers];
    for (const route of [...spread, ...middle]) check(contenders, requestFor(route));
    const ns: Record<string, number> = {};
    for (const [about, chosen] of [
      ["one route", middle],
      ["64 routes", spread],
    ] as const) {
      const options = { rounds, reads: false, freshStrings: true };
      const timings = timeContenders(contenders, targetsOf(chosen.map(requestFor)), options);
      for (const timing of timings) ns[`${timing.name}, ${about}`] = timing.ns;
    }
    return { routes: count, ns };
  });
}

/** A wrong answer must not be timed. */
function check(contenders: readonly Contender[], request: TableRequest): void {
  for (const { name, find } of contenders) {
    const found = find(targetsOf([request])[0]!) as {
      route?: unknown;
      handler?: unknown;
      data?: unknown;
    } | null;
    const hit = found?.route ?? found?.handler ?? found?.data;
    if (hit === undefined) throw new Error(`${name} does not find ${request.path}`);
  }
}
