import { Router } from "@tz/router";
import FindMyWay from "find-my-way";
import { addRoute, createRouter, findRoute } from "rou3";
import { compileRouter } from "rou3/compiler";
import type { Table, TableRequest } from "./tables.js";

/** A request as each contender wants it. */
export interface Target {
  readonly method: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The parameters that a handler of this route asks for. */
  readonly names: readonly string[];
}

export interface Contender {
  readonly name: string;
  /** What is timed: finds the route; the result is what it always makes, with or without parameters. */
  readonly find: (target: Target) => unknown;
  /** The same, and what a handler does next: each parameter by its name. Returns the length of all values. */
  readonly readByName: (target: Target) => number;
  /** All parameters as strings, for the check of the answers; not timed. */
  readonly read: (target: Target) => Readonly<Record<string, string>> | undefined;
}

/** The key of an unnamed wildcard in the results of each. */
const WILDCARD_KEYS = ["0", "_", "*"];

/** The peers hand out an object with all values. */
function lengthOf(
  params: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
  wildcardKey: string,
): number {
  let length = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    length += params[name === "*" ? wildcardKey : name]!.length;
  }
  return length;
}

function named(params: Record<string, string | undefined> | undefined): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [key, value] of Object.entries(params ?? {})) {
    if (value !== undefined) result[WILDCARD_KEYS.includes(key) ? "*" : key] = value;
  }
  return result;
}

const NO_PARAMS = {};

type Make = (table: Pick<Table, "routes">) => Contender;

function findMyWay(compiled: boolean): Make {
  return (table) => {
    const router = FindMyWay();
    for (const { method, pattern, findMyWay: own } of table.routes) {
      router.on(method as "GET", own ?? pattern, () => {});
    }
    if (compiled) (router as unknown as { compile(): void }).compile();
    const find = ({ method, path }: Target) => router.find(method as "GET", path);
    return {
      name: compiled ? "find-my-way, compiled" : "find-my-way",
      find,
      readByName: (target) => lengthOf(find(target)!.params, target.names, "*"),
      read: (target) => {
        const found = find(target);
        return found === null ? undefined : named(found.params);
      },
    };
  };
}

function rou3(compiled: boolean): Make {
  return (table) => {
    const router = createRouter<string>();
    for (const { method, pattern, rou3: own } of table.routes)
      addRoute(router, method, own ?? pattern, pattern);
    const lookup = compileRouter(router);
    const find = compiled
      ? ({ method, path }: Target) => lookup(method, path)
      : ({ method, path }: Target) => findRoute(router, method, path);
    return {
      name: compiled ? "rou3, compiled" : "rou3",
      find,
      readByName: (target) => lengthOf(find(target)!.params ?? NO_PARAMS, target.names, "0"),
      read: (target) => {
        const found = find(target);
        return found === undefined ? undefined : named(found.params);
      },
    };
  };
}

function tz(kind: "string" | "bytes"): Make {
  return (table) => {
    const router = new Router<string>();
    for (const { method, pattern } of table.routes) router.add(method, pattern, pattern);
    router.compile();
    const find =
      kind === "string"
        ? ({ method, path }: Target) => router.match(method, path)
        : ({ method, bytes, start, end }: Target) => router.matchBytes(method, bytes, start, end);
    return {
      name: `@tz/router, ${kind}`,
      find,
      readByName: (target) => {
        const match = find(target);
        let length = 0;
        for (let i = 0; i < target.names.length; i++) length += match.param(target.names[i]!)!.length;
        return length;
      },
      read: (target) => {
        const match = find(target);
        if (match.route === undefined) return undefined;
        const params: Record<string, string> = {};
        for (let i = 0; i < match.paramCount; i++) params[match.paramName(i)!] = match.param(i)!;
        return params;
      },
    };
  };
}

export const PEERS: readonly Make[] = [findMyWay(false), findMyWay(true), rou3(false), rou3(true)];
export const OURS: readonly Make[] = [tz("string"), tz("bytes")];

/** All requests in one block of memory, as they lie in a receive buffer. */
export function targetsOf(requests: readonly TableRequest[]): Target[] {
  const texts = requests.map(({ method, path }) => `${method} ${path} HTTP/1.1\r\n`);
  const bytes = new TextEncoder().encode(texts.join(""));
  let line = 0;
  return requests.map(({ method, path, params }, index) => {
    const start = line + method.length + 1;
    line += texts[index]!.length;
    return { method, path, bytes, start, end: start + path.length, names: Object.keys(params) };
  });
}
