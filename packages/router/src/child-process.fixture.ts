/**
 * What only a process of its own can show, with the flags that the test gives it. Prints one line of JSON.
 *
 * - `allocation WAY`: bytes that a match leaves on the heap. One way a process: code that others made run is
 *   optimized for them as well.
 * - `answers`: what a router answers, and whether code may be made from strings
 */
import { Router } from "./index.js";

const PATHS = ["/users/me", "/users/42/files/a-b/c/d?x=1", "/posts/7-x/comments/12", "/nowhere", "/users"];

function makeRouter(codeGeneration: "auto" | "never"): Router<string> {
  const router = new Router<string>({ codeGeneration });
  const patterns = [
    "/users/me",
    "/users/:id(int)/files/:name/*rest",
    "/posts/:a-:b{[a-z]+}/comments/:c(int)",
  ];
  for (const pattern of patterns) router.get(pattern, pattern);
  router.post("/users", "/users");
  return router.compile();
}

/** The median of several runs: the first ones run code that is not optimized, which makes numbers on the heap. */
function bytesPerMatch(work: () => void): number {
  const count = 50_000;
  const runs = Array.from({ length: 15 }, () => {
    globalThis.gc!();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < count; i++) work();
    return (process.memoryUsage().heapUsed - before) / count;
  });
  return runs.sort((a, b) => a - b)[runs.length >> 1]!;
}

function allocation(way: string): number {
  const router = makeRouter(way === "bytes, walked" ? "never" : "auto");
  const bytes = new TextEncoder().encode(PATHS.join(" "));
  const starts = PATHS.map((_, which) =>
    PATHS.slice(0, which).reduce((sum, path) => sum + path.length + 1, 0),
  );
  let index = 0;
  const next = () => {
    index = index + 1 === PATHS.length ? 0 : index + 1;
    return index;
  };
  const matchBytes = (which: number) =>
    router.matchBytes("GET", bytes, starts[which]!, starts[which]! + PATHS[which]!.length);
  const ways: Record<string, () => unknown> = {
    "bytes, generated": () => matchBytes(next()),
    "bytes, walked": () => matchBytes(next()),
    "string, generated": () => router.match("GET", PATHS[next()]!),
    // Shows that the measurement sees what is allocated.
    "with a parameter read": () => matchBytes(1).param("rest"),
  };
  const work = ways[way]!;
  let last: unknown;
  const result = bytesPerMatch(() => {
    last = work();
  });
  if (last === undefined) throw new Error("nothing was matched");
  return result;
}

function answers(): object {
  let makesCode = true;
  try {
    new Function("return 1");
  } catch {
    makesCode = false;
  }
  const router = makeRouter("auto");
  const found = PATHS.map((path) => [router.match("GET", path).outcome, router.match("GET", path).params()]);
  return { makesCode, found };
}

const [what, way] = process.argv.slice(2);
console.log(JSON.stringify(what === "allocation" ? allocation(way!) : answers()));
