import { expect, test } from "vitest";
import { createServer } from "../app.js";
import { isEpollSupported } from "./epoll.js";
import { SocketClient, until } from "./socket-client.fixture.js";

const REQUESTS = 6_000;
const BUSY_MS = 0.1;
const epoll = isEpollSupported();
const reason = epoll.supported ? "" : ` (skipped: ${epoll.reason})`;

test.skipIf(!epoll.supported)(
  `who pipelines thousands of requests to a busy handler does not keep others waiting for all of them${reason}`,
  async () => {
    let handled = 0;
    let handledBefore = -1;
    const app = createServer({ loop: "epoll" })
      .get("/busy", () => {
        const end = performance.now() + BUSY_MS;
        while (performance.now() < end);
        handled++;
        return "";
      })
      .get("/other", () => {
        handledBefore = handled;
        return "other";
      });
    const { port } = await app.listen({ port: 0 });
    const flood = await SocketClient.open(port);
    const other = await SocketClient.open(port);
    // Both lie in the kernel before the loop has its turn.
    flood.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n".repeat(REQUESTS));
    other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => handledBefore >= 0);
    expect(handledBefore).toBeLessThan(REQUESTS);
    await until(() => handled === REQUESTS);
    flood.reset();
    other.reset();
    await app.close({ timeoutMs: 200 });
  },
);

const FLOODS = 12;
/** What lies in the kernel of each flood, in the least: some reads of the loop. */
const FLOOD_REQUESTS = 6_000;
const READ_BYTES = 64 * 1024;

test.skipIf(!epoll.supported)(
  `many who pipeline thousands of requests share one turn: others do not wait for a whole read of each${reason}`,
  async () => {
    const request = "GET /busy HTTP/1.1\r\nHost: a\r\n\r\n";
    const requestsPerRead = Math.ceil(READ_BYTES / request.length);
    let handled = 0;
    let askedAt = -1;
    let answeredAt = -1;
    let other: SocketClient | undefined;
    const app = createServer({ loop: "epoll" })
      .get("/busy", () => {
        const end = performance.now() + BUSY_MS / 10;
        while (performance.now() < end);
        handled++;
        // When each flood has had its first read, and all wait for their next.
        if (askedAt < 0 && handled > FLOODS * requestsPerRead) {
          askedAt = handled;
          other!.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        return "";
      })
      .get("/other", () => {
        answeredAt = handled;
        return "other";
      });
    const { port } = await app.listen({ port: 0 });
    other = await SocketClient.open(port);
    const floods = await Promise.all(Array.from({ length: FLOODS }, () => SocketClient.open(port)));
    for (const flood of floods) flood.send(request.repeat(FLOOD_REQUESTS));
    await until(() => answeredAt >= 0);
    // The first of a turn make it long; then the others have small reads. A whole read of each would be 13, two of them 24.
    expect(answeredAt - askedAt).toBeLessThanOrEqual(7 * requestsPerRead);
    await until(() => handled === FLOODS * FLOOD_REQUESTS);
    for (const client of [other, ...floods]) client.reset();
    await app.close({ timeoutMs: 200 });
  },
);
