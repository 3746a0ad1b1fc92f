import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { toNodeHandler } from "../adapters/node.js";
import { staticMount } from "../mount.js";

const text = "text ".repeat(1000);

/** The coding of `/app.js`, whose sidecar has the time that `timeOf` makes of the source's, in seconds. */
async function codingWith(timeOf: (mtimeMs: number) => number): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), "tz-sidecar-"));
  const mount = staticMount("/", folder, { precompressed: ["gzip"] });
  const server: Server = createServer(toNodeHandler(mount, { fallthrough: false }));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    mount.close();
    rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(join(folder, "app.js"), text);
  writeFileSync(join(folder, "app.js.gz"), gzipSync(text));
  // An eighth of a second and a bit: the eighth alone is a number that every version of Node writes as it is.
  const now = Math.floor(Date.now() / 1000);
  utimesSync(join(folder, "app.js"), now + 0.1256, now + 0.1256);
  const time = timeOf(statSync(join(folder, "app.js")).mtimeMs);
  utimesSync(join(folder, "app.js.gz"), time, time);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/app.js`, {
    headers: { "Accept-Encoding": "gzip" },
  });
  expect(await answer.text()).toBe(text);
  return answer.headers.get("content-encoding");
}

test.each([
  ["seconds", (ms: number) => Math.floor(ms / 1000), "gzip"],
  ["milliseconds", (ms: number) => Math.floor(ms / 1000) + 0.125, "gzip"],
  ["a second more", (ms: number) => ms / 1000 + 1, "gzip"],
  ["a second less", (ms: number) => ms / 1000 - 1, null],
])("a sidecar with the time of its source in %s", async (_precision, timeOf, coding) => {
  expect(await codingWith(timeOf)).toBe(coding);
});
