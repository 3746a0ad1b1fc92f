import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { SocketClient, until } from "../loop/socket-client.fixture.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const fixture = fileURLToPath(new URL("./few-descriptors.fixture.ts", import.meta.url));
const FILES = 200;
const CLIENTS = 300;
const WATCHED_MS = 1500;
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

interface Report {
  readonly cpuMs: number;
  readonly connections: number;
}

const next = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as T));
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
const report = (child: ChildProcess): Promise<Report> => {
  const answer = next<Report>(child);
  child.send("report");
  return answer;
};

describe.skipIf(process.platform === "win32").each(loops)(
  "a process without free descriptors, %s loop",
  (loop) => {
    test("does not spin, serves who is in, and takes further clients when some have left", async () => {
      const command = `ulimit -n ${FILES} && exec "$0" "$@"`;
      const flags = ["--import", "tsx", "--conditions=@tz/source", fixture, loop];
      const child = spawn("sh", ["-c", command, process.execPath, ...flags], {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      const { port } = await next<{ port: number }>(child);
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => SocketClient.open(port)));
      onTestFinished(() => {
        for (const client of clients) client.reset();
      });
      for (const client of clients) client.send(GET);
      const answered = (): SocketClient[] => clients.filter((client) => client.received.includes("here"));
      // Node closes whom it cannot take; the epoll loop leaves them in the kernel's queue.
      const settled = (): number =>
        clients.filter((client) => client.ended || client.received.includes("here")).length;
      await until(() => answered().length > 50);
      let before = -1;
      while (before !== settled()) {
        before = settled();
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      // There are descriptors left for what they ask for.
      expect(clients.filter((client) => client.received.includes("HTTP/1.1 500"))).toHaveLength(0);
      const served = answered().filter((client) => !client.ended);
      expect(served.length).toBeLessThan(FILES);
      const from = await report(child);
      const start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
      const { cpuMs } = await report(child);
      // One that spins takes all that it can get; one that waits next to nothing, however slow the machine is.
      expect((cpuMs - from.cpuMs) / (performance.now() - start)).toBeLessThan(0.5);

      const first = served[0]!;
      const length = first.received.byteLength;
      first.send(GET);
      await until(() => first.received.byteLength === 2 * length);
      if (loop === "epoll") {
        const waiting = clients.filter((client) => !client.ended && client.received.byteLength === 0);
        expect(waiting.length).toBeGreaterThan(0);
        await until(() => {
          for (const client of answered()) client.closed || client.reset();
          return waiting.every((client) => client.received.includes("here"));
        });
      } else {
        for (const client of served) client.reset();
        await until(() => served.every((client) => client.closed));
        const late = await SocketClient.open(port);
        onTestFinished(() => late.reset());
        late.send(GET);
        await until(() => late.received.includes("here"));
      }
    });
  },
);
