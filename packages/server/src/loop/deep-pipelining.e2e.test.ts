import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createServer } from "../app.js";
import { textPlan } from "../fake-server.fixture.js";
import { isEpollSupported } from "./epoll.js";
import { PackedMount } from "./packed-mount.fixture.js";

/** More than sockets hold in both directions: the server waits for the client in the middle of all this. */
const REQUESTS = 10_000;
const BODY_BYTES = 3000;
const DATE = /Date: [^\r]*/g;

/** Sends all at once, reads all. */
function converse(port: number, target: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.end(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(REQUESTS));
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

const epoll = isEpollSupported();
const reason = epoll.supported ? "" : ` (skipped: ${epoll.reason})`;

test.skipIf(!epoll.supported)(
  `packed answers to requests that came all at once leave in order, however often the socket is full${reason}`,
  async () => {
    for (const hasLead of [true, false]) {
      const mount = new PackedMount(BODY_BYTES, hasLead);
      const app = createServer({ loop: "epoll", tickMs: 10, lingerTimeoutMs: 50 }).mount(mount);
      onTestFinished(() => app.close({ timeoutMs: 200 }));
      const { port } = await app.listen({ port: 0 });
      const text = (await converse(port, "/packed")).replaceAll(DATE, "Date");
      const [head = ""] = text.split("\r\n\r\n");
      // The last one says that it is.
      const last = text.lastIndexOf("HTTP/1.1 ");
      const one = `${head}\r\n\r\n${mount.body.toString("latin1")}`;
      expect(text.slice(0, last) === one.repeat(REQUESTS - 1)).toBe(true);
      expect(text.slice(last).endsWith(`\r\n\r\n${mount.body.toString("latin1")}`)).toBe(true);
      await app.close({ timeoutMs: 200 });
      expect(mount.held).toBe(0);
      mount.region.release();
    }
  },
);

test.each(epoll.supported ? (["epoll", "node"] as const) : (["node"] as const))(
  "%s: requests that came all at once are answered in order",
  async (loop) => {
    let asked = 0;
    const app = createServer({ loop, tickMs: 10, lingerTimeoutMs: 50 }).handle(() =>
      textPlan(`${asked++} `.padEnd(BODY_BYTES, "x")),
    );
    onTestFinished(() => app.close({ timeoutMs: 200 }));
    const { port } = await app.listen({ port: 0 });
    const text = await converse(port, "/");
    expect(asked).toBe(REQUESTS);
    const numbers = [...text.matchAll(/\r\n\r\n(\d+) x*/g)].map(([all, number]) => {
      expect(all.length - 4).toBe(BODY_BYTES);
      return Number(number);
    });
    expect(numbers).toEqual(Array.from({ length: REQUESTS }, (_, i) => i));
  },
);
