import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runExchange } from "./exchange.js";
import { missingCompiler } from "./program.js";

const lacking = missingCompiler();
const skipped = lacking ? `: ${lacking}` : "";

async function serve(status: number, everyMs: number) {
  const work = mkdtempSync(join(tmpdir(), "tz-exchange-"));
  onTestFinished(() => rmSync(work, { recursive: true, force: true }));
  let free = 0;
  const server = createServer((_request, response) => {
    response.sendDate = false;
    // One answer each `everyMs`: a queue builds up when requests come faster.
    free = Math.max(free, performance.now()) + everyMs;
    setTimeout(() => response.writeHead(status, { "Content-Length": 2 }).end("ok"), free - performance.now());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  const load = {
    port: (server.address() as AddressInfo).port,
    connections: 2,
    seconds: 1,
    request: Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    answerBytes: Buffer.byteLength(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\nok",
    ),
  };
  return { load, work };
}

test.skipIf(lacking)(
  `requests at fixed times are charged for their time in the queue${skipped}`,
  async () => {
    const { load, work } = await serve(200, 50);
    const closed = await runExchange({ ...load, rate: 0 }, work);
    const open = await runExchange({ ...load, rate: 200 }, work);
    // All 200 are counted, those without an answer with the time that they have waited.
    expect(open.answers).toBeGreaterThanOrEqual(199);
    expect(closed.answers).toBeLessThan(open.answers);
    expect(open.p99).toBeGreaterThan(2 * closed.p50);
  },
);

test.skipIf(lacking)(`a wrong status ends the run${skipped}`, async () => {
  const { load, work } = await serve(500, 0);
  await expect(runExchange({ ...load, rate: 0 }, work)).rejects.toThrow(/a wrong answer/);
});

test.skipIf(lacking)(`so does another length${skipped}`, async () => {
  const { load, work } = await serve(200, 0);
  const shorter = { ...load, rate: 0, answerBytes: load.answerBytes - 1 };
  await expect(runExchange(shorter, work)).rejects.toThrow(/more bytes than an answer has/);
});
