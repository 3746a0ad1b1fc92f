import {
  close,
  isSupported,
  Region,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  send,
  socketpair,
} from "@tz/sys";
import { expect, test } from "vitest";
import { descriptorLoop } from "../kernel/descriptor-loop.js";
import { DescriptorTunnel } from "./descriptor-tunnel.js";
import { until } from "./proxy-gateway.fixture.js";

test.skipIf(!isSupported().supported)(
  "Node's loop gets its turn between connections whose bytes take long",
  async () => {
    const loop = descriptorLoop();
    const order: string[] = [];
    const pairs = [1, 2, 3].map(() => socketpair(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC));
    const tunnels = pairs.map(([fd]) => new DescriptorTunnel(fd));
    let closed = 0;
    for (const [i, tunnel] of tunnels.entries()) {
      const handler = {
        onData() {
          order.push(`tunnel ${i}`);
          while (!loop.isTurnLong());
        },
        onEnd() {},
        onWritable() {},
        onClose: () => void closed++,
      };
      tunnel.start(handler, new Uint8Array(0));
    }
    const tick = (): void => {
      order.push("node");
      if (closed === 0) setImmediate(tick);
    };
    tick();
    // First reads, of nothing.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const region = Region.allocate(8);
    // All at once: one look at the kernel tells of the three.
    for (const [, peer] of pairs) send(peer, region.address, 1, 0);
    await until(() => order.filter((what) => what !== "node").length === 3);
    region.release();
    for (const tunnel of tunnels) tunnel.destroy();
    for (const [, peer] of pairs) close(peer);
    await until(() => closed === 3);
    const inARow = order.filter((what, i) => what !== "node" && i > 0 && order[i - 1] !== "node");
    expect(inARow).toEqual([]);
  },
);
