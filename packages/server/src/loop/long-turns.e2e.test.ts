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
