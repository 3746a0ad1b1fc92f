/**
 * Shows that a parsed request leaves nothing for the collector: with `--trace-gc`, parses REQUESTS heads and counts
 * the collections. `npm --prefix packages/http1 run bench:garbage`.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { RequestHead } from "../src/request-head.js";
import { createScanner } from "../src/scan/create-scanner.js";
import { BROWSER_REQUEST } from "./browser-request.js";

const REQUESTS = Number(process.env.REQUESTS ?? 10_000_000);
const START = "-- measured from here --";

function parseAll(): void {
  const scanner = createScanner();
  scanner.bytes.set(BROWSER_REQUEST);
  const head = new RequestHead(scanner);
  const run = (times: number) => {
    for (let i = 0; i < times; i++)
      if (head.parse(0, BROWSER_REQUEST.length) !== BROWSER_REQUEST.length) throw new Error("Not parsed");
  };
  run(100_000);
  // A marking that the start has begun is ended before the count.
  globalThis.gc?.();
  console.log(START);
  const before = process.memoryUsage().heapUsed;
  run(REQUESTS);
  console.log(`heap grew by ${process.memoryUsage().heapUsed - before} bytes`);
}

if (process.argv[2] === "child") {
  parseAll();
} else {
  const { stdout } = spawnSync(
    process.execPath,
    // Without the memory reducer, which collects by the clock, and without a compiler beside the program, which a busy
    // machine may not let come to its turn: what is not optimized yet leaves garbage.
    [
      "--trace-gc",
      "--no-memory-reducer",
      "--no-concurrent-recompilation",
      "--import",
      "tsx",
      "--conditions=@tz/source",
      fileURLToPath(import.meta.url),
      "child",
    ],
    { encoding: "utf8" },
  );
  const at = stdout.indexOf(START);
  const measured = stdout.slice(at);
  // The loader has a thread, and so a heap, of its own: ours is the one whose collection was asked for.
  const [, isolate = "?"] = [...stdout.slice(0, at).matchAll(/^\[\d+:(\w+)\].*Mark-Compact/gm)].at(-1) ?? [];
  const collections = measured
    .split("\n")
    .filter((line) => line.includes(`:${isolate}]`) && /Scavenge|Mark-/.test(line)).length;
  console.log(
    `${REQUESTS.toLocaleString("en")} requests, ${collections} garbage collections, ${/heap grew.*/.exec(measured)?.[0]}`,
  );
  if (collections > 0) process.exitCode = 1;
}
