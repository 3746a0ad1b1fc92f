/**
 * Files that change while they are sent, and clients that go: the promised length is never completed with other
 * bytes, and nothing stays open.
 */
import fs from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { createServer as createTzServer, isEpollSupported } from "@tz/server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import type { StaticOptions } from "../options.js";
import { emptySite, noise, type Site } from "../site.fixture.js";
import { toFetchHandler } from "./fetch.js";
import { toNodeHandler } from "./node.js";
import { RawClient } from "./raw-socket.fixture.js";

/** More than all buffers between a file and a client that does not read. */
const FILE_BYTES = 48 * 1024 * 1024;
const FIRST_BYTES = 256 * 1024;
const content = Buffer.alloc(FILE_BYTES, noise(1 << 20));

let site: Site;
let file: string;
let mount: StaticMount;

beforeEach(() => {
  site = emptySite();
  file = site.put("large.bin", content);
  site.put("small.txt", "small\n");
});
afterEach(() => site.remove());

interface Server {
  readonly port: number;
  close(): Promise<unknown>;
}

const servers: Record<string, (options: StaticOptions) => Promise<Server>> = {
  "node:http": async (options) => {
    mount = staticMount("/", site.root, options);
    const server = createServer(toNodeHandler(mount));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return {
      port: (server.address() as AddressInfo).port,
      close: () =>
        new Promise((done) => {
          server.closeAllConnections();
          server.close(() => done(mount.close()));
        }),
    };
  },
};
for (const loop of ["epoll", "node"] as const) {
  if (loop === "epoll" && !isEpollSupported()) continue;
  servers[`@tz/server, ${loop}`] = async (options) => {
    mount = staticMount("/", site.root, options);
    const app = createTzServer({ loop });
    app.mount(mount);
    const { port } = await app.listen({ host: "127.0.0.1", port: 0 });
    return { port, close: () => app.close({ timeoutMs: 100 }) };
  };
}

const openFiles = () => fs.readdirSync("/proc/self/fd").length;

/**
 * What `sendfile` has handed over is the kernel's: a truncation clears the rest of the page that it cuts (up to
 * 2 MiB of it), also where the page is in a socket's buffer.
 */
function isOriginal(got: Buffer, isSentByKernel: boolean): boolean {
  const expected = content.subarray(0, got.byteLength);
  if (!isSentByKernel || got.equals(expected)) return got.equals(expected);
  return got.every((byte, i) => byte === expected[i] || byte === 0);
}

describe.each(Object.keys(servers))("%s", (name) => {
  let server: Server;
  let client: RawClient;

  async function begin(options: StaticOptions = {}): Promise<void> {
    server = await servers[name]!(options);
    client = await RawClient.connect(server.port);
    client.send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    await client.until(FIRST_BYTES);
    client.socket.pause();
  }

  /** What came after the head. */
  function body(): Buffer {
    const { received } = client;
    expect(received.toString("latin1", 0, 15)).toBe("HTTP/1.1 200 OK");
    return received.subarray(received.indexOf("\r\n\r\n") + 4);
  }

  /** Head and pipelined answers, if any, must not follow a body that was cut. */
  async function expectCut(): Promise<void> {
    client.send("GET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    client.socket.resume();
    expect(await client.closed()).toBe(true);
    const got = body();
    expect(got.byteLength).toBeLessThan(FILE_BYTES);
    expect(isOriginal(got, name.includes("epoll"))).toBe(true);
  }

  afterEach(async () => {
    client.socket.destroy();
    await server.close();
  });

  test("truncated", async () => {
    await begin();
    fs.truncateSync(file, 1000);
    await expectCut();
  });

  test("written to, with the same length", async () => {
    await begin();
    const fd = fs.openSync(file, "r+");
    // Far behind what any buffer on the way can hold already.
    fs.writeSync(fd, "WRONG BYTES", FILE_BYTES - 1000);
    fs.closeSync(fd);
    await expectCut();
  });

  test("appended to", async () => {
    await begin();
    fs.appendFileSync(file, "more");
    await expectCut();
  });

  test("replaced or removed: the old bytes are sent to the end", async () => {
    await begin({ revalidateMs: 0 });
    site.put("new.bin", "new");
    fs.renameSync(path.join(site.root, "new.bin"), file);
    client.socket.resume();
    const head = client.received.indexOf("\r\n\r\n") + 4;
    expect(await client.until(head + FILE_BYTES)).toBe(true);
    expect(body().equals(content)).toBe(true);
    client.send("GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await client.closed();
    expect(client.received.subarray(head + FILE_BYTES).toString("latin1")).toMatch(/\r\n\r\nnew$/);
  });

  test("a client that goes away leaves no descriptor and no memory", async () => {
    await begin();
    client.socket.destroy();
    const before = openFiles();
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(server.port)));
    for (const each of clients) each.send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    await Promise.all(clients.map((each) => each.until(1000)));
    for (const each of clients) each.socket.destroy();
    await expect.poll(openFiles, { timeout: 120_000 }).toBeLessThanOrEqual(before);
    mount.clear();
    await expect.poll(() => mount.stats.fds).toBe(0);
  });

  test("a throttled answer stops when its client goes", async () => {
    await begin({ throttleBytesPerSecond: 4 * 1024 * 1024 });
    client.socket.destroy();
    const before = openFiles();
    mount.clear();
    await expect.poll(openFiles, { timeout: 120_000 }).toBeLessThan(before);
  });
});

test("Fetch: a file that is truncated fails the stream", async () => {
  mount = staticMount("/", site.root);
  const response = await toFetchHandler(mount)(new Request("http://localhost/large.bin"));
  const reader = response.body!.getReader();
  await reader.read();
  fs.truncateSync(file, 10_000_000);
  await expect(
    (async () => {
      for (;;) if ((await reader.read()).done) return;
    })(),
  ).rejects.toThrow(/changed|shorter/);
  mount.close();
});

test("Fetch: a body that is not read to the end gives its file back", async () => {
  mount = staticMount("/", site.root);
  const before = openFiles();
  for (let i = 0; i < 5; i++) {
    const response = await toFetchHandler(mount)(new Request("http://localhost/large.bin"));
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
  }
  mount.close();
  await expect.poll(openFiles).toBeLessThanOrEqual(before);
});
