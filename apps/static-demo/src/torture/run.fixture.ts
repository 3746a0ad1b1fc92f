/** `reload --minutes N`: see `reload-torture.fixture.ts`. Ends with 1 when a request failed that should not. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { tortureReload } from "./reload-torture.fixture.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "10" },
    loop: { type: "string", default: "epoll" },
    sources: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
if (positionals.join() !== "reload" || !(minutes > 0) || !["epoll", "node"].includes(values.loop)) {
  console.error("usage: npm run torture -- reload [--minutes 10] [--loop epoll|node]");
  process.exit(2);
}
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const command = values.sources
  ? ["--import", "tsx", "--conditions=@tz/source", here("../cli.ts")]
  : [here("../../dist/cli.js")];
const { failures, client, ...rest } = await tortureReload({
  command,
  seconds: minutes * 60,
  more: ["--loop", values.loop],
});
const { failures: _told, slowestMs, ...numbers } = client;
console.log(
  JSON.stringify({ ...rest, client: { ...numbers, slowestMs: Math.round(slowestMs) } }, undefined, 2),
);
for (const failure of failures) console.error(failure);
console.log(`${failures.length} failed requests`);
process.exitCode = failures.length === 0 ? 0 : 1;
