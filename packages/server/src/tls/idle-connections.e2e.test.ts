/** TLS connections that are open and idle, all at a time: what they hold, and that all of it goes with them. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect as connectPlain, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { CA } from "./certificates.fixture.js";

/** `TZ_IDLE_TLS=15000` for a run as large as docs/reliability.md tells of. */
const CONNECTIONS = Number(process.env.TZ_IDLE_TLS ?? 200);
/** Handshakes at a time. */
const WAVE = 100;
const POLL_MS = 50;

interface Report {
  readonly connections: number;
  readonly sslObjects: number;
  readonly descriptors: number;
  readonly rssBytes: number;
}

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

interface Client {
  readonly plain: Socket;
  readonly secure: TLSSocket;
}

/** A connection that has had one answer. */
const used = (port: number): Promise<Client> =>
  new Promise((resolve, reject) => {
    const plain = connectPlain(port, "127.0.0.1").on("error", reject);
    const secure = connect({ socket: plain, servername: "localhost", ca: CA }, () =>
      secure.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    );
    secure.on("error", reject).once("data", () => resolve({ plain, secure }));
  });

async function openAll(port: number, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const wave = Array.from({ length: Math.min(WAVE, count - clients.length) }, () => used(port));
    clients.push(...(await Promise.all(wave)));
  }
  return clients;
}

/** With close_notify, with a FIN only, or by a reset. */
function leave(clients: readonly Client[]): void {
  for (const [i, { plain, secure }] of clients.entries()) {
    if (i % 3 === 0) secure.end();
    else if (i % 3 === 1) plain.destroy();
    else plain.resetAndDestroy();
  }
}

/** Until it is over; the test's own limit ends a wait for what does not come. */
async function settled(descriptorsMax = Number.POSITIVE_INFINITY): Promise<Report> {
  for (;;) {
    const now = await report();
    if (now.connections === 0 && now.descriptors <= descriptorsMax) return now;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

// Counting descriptors needs /proc: Linux only.
describe.skipIf(!existsSync("/proc/self/fd"))("idle TLS connections", () => {
  test.each(loops)(
    "%s: their descriptors and SSL objects go with them",
    { timeout: 240_000 },
    async (loop) => {
      const fixture = new URL("./idle-server.fixture.ts", import.meta.url).pathname;
      const flags = ["--expose-gc", "--import", "tsx", "--conditions=@tz/source"];
      child = spawn(process.execPath, [...flags, fixture, loop], {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      });
      const { port } = await next<{ port: number }>();
      // What a first connection loads stays.
      leave(await openAll(port, 10));
      const first = await settled();
      leave(await openAll(port, 10));
      const before = await settled(first.descriptors);
      expect(before.sslObjects).toBe(0);

      const clients = await openAll(port, CONNECTIONS);
      const held = await report();
      expect(held.connections).toBe(CONNECTIONS);
      expect(held.descriptors).toBe(before.descriptors + CONNECTIONS);
      expect(held.sslObjects).toBe(loop === "epoll" ? CONNECTIONS : 0);
      leave(clients);
      const after = await settled(before.descriptors);
      expect(after.sslObjects).toBe(0);
      if (process.env.TZ_IDLE_TLS !== undefined) console.log(loop, { before, held, after });

      const exit = new Promise((resolve) => child!.once("exit", resolve));
      child.send("stop");
      expect(await exit).toBe(0);
    },
  );
});
