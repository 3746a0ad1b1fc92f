import { randomBytes } from "node:crypto";
import { getResourceLimit, isSupported, RLIMIT_NOFILE, setResourceLimit } from "@tz/sys";
import { afterEach, expect, test } from "vitest";
import { EchoUpstream, ProxyGateway, until } from "./proxy-gateway.fixture.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

// In a file of its own: no other test has left pipes behind.
test.skipIf(!isSupported().supported)(
  "splice: bulk goes on by copying when the kernel has no pipe",
  async () => {
    const echo = await new EchoUpstream().start();
    stops.push(() => echo.stop());
    const gateway = await ProxyGateway.start("epoll", {
      upstream: `ws://127.0.0.1:${echo.port}/`,
      mode: "splice",
    });
    stops.push(() => gateway.stop());
    const socket = await gateway.open();
    const got: Buffer[] = [];
    socket.on("message", (data: Buffer) => got.push(data));
    socket.send("joined");
    await until(() => got.length === 1 && gateway.proxy.stats.connections === 1);
    const limit = getResourceLimit(RLIMIT_NOFILE);
    stops.push(() => setResourceLimit(RLIMIT_NOFILE, limit));
    setResourceLimit(RLIMIT_NOFILE, { ...limit, soft: 1 });
    const bulk = randomBytes(4 * 1024 * 1024);
    socket.send(bulk);
    await until(() => got.length === 2 || gateway.ends.length > 0);
    setResourceLimit(RLIMIT_NOFILE, limit);
    expect(gateway.ends).toEqual([]);
    expect(got[1]!.equals(bulk)).toBe(true);
  },
);
