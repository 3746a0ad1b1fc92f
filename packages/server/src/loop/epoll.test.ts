import { describe, expect, test } from "vitest";
import { EpollLoop, isEpollSupported } from "./epoll.js";
import { loopConformance } from "./loop.conformance.js";
import { quiet, SocketClient, until } from "./socket-client.fixture.js";

const support = isEpollSupported();

if (support.supported) {
  loopConformance("epoll", async () => ({
    loop: new EpollLoop(5),
    connect: (port) => SocketClient.open(port),
    until,
    quiet,
  }));
} else {
  describe("epoll loop", () => {
    test(`refuses to start: ${support.reason}`, () => {
      expect(() => new EpollLoop(5)).toThrow(support.reason);
    });
  });
}
