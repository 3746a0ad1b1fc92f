import { once } from "node:events";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { AF_INET, bind, close, SOCK_CLOEXEC, SOCK_STREAM, type SocketAddress, socket } from "@tz/sys";
import { describe, expect, onTestFinished, test } from "vitest";
import { isEpollSupported, openListener } from "../loop/epoll.js";
import { ListeningSockets } from "./listening-sockets.js";
import { reserveAddress, reserveFreePort } from "./port-reservation.js";

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);
const any: SocketAddress = { family: "ipv4", host: "127.0.0.1", port: 0 };
const outcome = async (port: number): Promise<string> => {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return "connected";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  } finally {
    socket.destroy();
  }
};

describe.skipIf(!isEpollSupported().supported)("a reserved port", () => {
  test("is refused to who does not share it, and nobody is let in", async () => {
    const { address, release } = reserveAddress(any);
    onTestFinished(release);
    const { port } = address as { port: number };
    expect(port).toBeGreaterThan(0);
    const other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC);
    onTestFinished(() => void close(other));
    expect(() => bind(other, address)).toThrow("EADDRINUSE");
    expect(await outcome(port)).toBe("ECONNREFUSED");
  });

  test("takes listeners that share it while it is held, and those go on after it", async () => {
    const { address, release } = reserveAddress(any);
    const { port } = address as { port: number };
    expect(await outcome(port)).toBe("ECONNREFUSED");
    const fds = [1, 2, 3].map(() => openListener(address, { backlog: 8, reusePort: true }));
    onTestFinished(() => fds.forEach(close));
    release();
    expect(await outcome(port)).toBe("connected");
    expect(() => reserveAddress(address)).toThrow("EADDRINUSE");
  });

  test("takes a listener of Node, once and again", async () => {
    const { port, release } = await reserveFreePort("127.0.0.1");
    onTestFinished(release);
    for (let round = 0; round < 2; round++) {
      const server = createServer().listen(port, "127.0.0.1");
      await once(server, "listening");
      expect(await outcome(port)).toBe("connected");
      server.close();
      await once(server, "close");
      expect(await outcome(port)).toBe("ECONNREFUSED");
    }
  });

  test.each(["127.0.0.1", "0.0.0.0", "localhost", ...(hasIpv6 ? ["::1", "::"] : [])])(
    "is one for all sockets of workers on %s, and another server's when they have it",
    async (host) => {
      const sockets = await ListeningSockets.open({
        host,
        port: 0,
        backlog: 8,
        given: undefined,
        count: 3,
      });
      onTestFinished(() => sockets.close());
      expect(sockets.fds.flat()).toHaveLength(3);
      const { port } = sockets.address;
      await expect(
        ListeningSockets.open({ host, port, backlog: 8, given: undefined, count: 3 }),
      ).rejects.toThrow("EADDRINUSE");
    },
  );
});
