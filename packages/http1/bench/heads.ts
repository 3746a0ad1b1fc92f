/**
 * Request heads, side by side: `npm --prefix packages/http1 run bench`. With PICOHTTPPARSER_DIR, picohttpparser is compiled
 * and measured in the same run.
 */
import { BROWSER_REQUEST, SMALL_REQUEST } from "./browser-request.js";
import { measure } from "./measure.js";
import { measurePicohttpparser } from "./picohttpparser.js";

const ROUNDS = 40;

for (const [name, request, times] of [
  ["683-byte browser request, 15 fields", BROWSER_REQUEST, 10_000],
  ["37-byte request", SMALL_REQUEST, 60_000],
] as const) {
  const rows = measure(request, ROUNDS, times);
  const pico = measurePicohttpparser(request, times);
  if (pico !== undefined) rows.push({ name: "picohttpparser (C, -O3 -march=native)", ns: pico });
  const first = rows[0]!.ns;
  console.log(`\n${name}\n`);
  console.log("| Parser | ns | GB/s | scan, simd is × of it |");
  console.log("|---|---|---|---|");
  for (const { name: parser, ns } of rows) {
    console.log(
      `| ${parser} | ${ns.toFixed(0)} | ${(request.length / ns).toFixed(2)} | ${(first / ns).toFixed(2)} |`,
    );
  }
}
