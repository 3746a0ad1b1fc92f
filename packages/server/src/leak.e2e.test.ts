import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { isEpollSupported } from "./loop/epoll.js";

const CONNECTIONS = 10_000;
/** Connections that are opened at a time: the kernel's queue holds 4,096. */
const WAVE = 1000;

interface Report {
  readonly descriptors: number;
  readonly rssBytes: number;
  readonly connections: number;
}

const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/** What a client sends, and how it leaves: in the middle of a head, a body, an answer; by FIN or by RST. */
const LEAVING: ((socket: Socket) => void)[] = [
  (socket) => socket.end("GET /half HTTP/1.1\r\nHos"),
  (socket) => socket.write("GET /half HTTP/1.1\r\nHos", () => socket.resetAndDestroy()),
  (socket) => socket.end("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome"),
  (socket) =>
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome", () =>
      socket.resetAndDestroy(),
    ),
  (socket) => {
    socket.write(REQUEST);
    socket.once("data", () => socket.destroy());
  },
  (socket) => {
    socket.write(REQUEST + REQUEST);
    socket.once("data", () => socket.resetAndDestroy());
  },
  (socket) => {
    socket.end(REQUEST);
    socket.once("data", () => socket.pause());
  },
  (socket) => socket.end(),
];

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill("SIGKILL");
});

const next = <T>(): Promise<T> =>
  new Promise((resolve, reject) => {
    child!.once("message", (message) => resolve(message as T));
    child!.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });

const report = (): Promise<Report> => {
  const answer = next<Report>();
  child!.send("report");
  return answer;
};

/** Opens connections, all alive at the same time, and leaves each in its own way. */
async function openAndLeave(port: number, count: number): Promise<void> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i += WAVE) {
    const wave = Array.from({ length: Math.min(WAVE, count - i) }, () => connect(port, "127.0.0.1"));
    await Promise.all(wave.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    sockets.push(...wave);
  }
  for (const socket of sockets) socket.on("error", () => {});
  for (const [i, socket] of sockets.entries()) LEAVING[i % LEAVING.length]!(socket);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  for (const socket of sockets) socket.destroy();
}

async function settled(): Promise<Report> {
  for (let i = 0; i < 600; i++) {
    const now = await report();
    if (now.connections === 0) return now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return report();
}

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

// Counting descriptors needs /proc: Linux only.
describe.skipIf(!existsSync("/proc/self/fd"))("10,000 clients that leave in the middle", () => {
  test.each(loops)("%s: no descriptor and no memory stays behind", async (loop) => {
    const fixture = new URL("./leak-server.fixture.ts", import.meta.url).pathname;
    child = spawn(
      process.execPath,
      ["--expose-gc", "--import", "tsx", "--conditions=@tz/source", fixture, loop],
      { stdio: ["ignore", "inherit", "inherit", "ipc"] },
    );
    const { port } = await next<{ port: number }>();
    // The heap and the tables reach their working size.
    for (let i = 0; i < 2; i++) await openAndLeave(port, CONNECTIONS);
    const before = await settled();
    await openAndLeave(port, CONNECTIONS);
    let after = await settled();
    const isLeft = (): boolean =>
      after.rssBytes >= before.rssBytes * 1.1 || after.descriptors > before.descriptors;
    // The collector gives pages back in its own time; a leak stays however long one waits.
    for (let i = 0; i < 40 && isLeft(); i++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      after = await report();
    }
    expect(after.connections).toBe(0);
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
    expect(after.rssBytes).toBeLessThan(before.rssBytes * 1.1);
    const exit = new Promise((resolve) => child!.once("exit", resolve));
    child.send("stop");
    expect(await exit).toBe(0);
  });
});
