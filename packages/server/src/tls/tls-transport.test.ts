import { describe, expect, test } from "vitest";
import { EpollLoop, isEpollSupported } from "../loop/epoll.js";
import { loopConformance } from "../loop/loop.conformance.js";
import type { Loop } from "../loop/loop.js";
import { NodeLoop } from "../loop/node.js";
import { quiet, until } from "../loop/socket-client.fixture.js";
import { SERVER } from "./certificates.fixture.js";
import { SecureListener } from "./secure-listener.js";
import { TlsClient } from "./tls-client.fixture.js";
import { TlsCounts } from "./tls-counts.js";
import type { TlsEngine } from "./tls-options.js";

/** The same contract as without TLS: what is above the loop must not notice. */
function conformance(name: string, make: () => Loop, engine: TlsEngine): void {
  loopConformance(name, async () => {
    const loop = make();
    const listen = loop.listen.bind(loop);
    const counts = new TlsCounts();
    loop.listen = (options, accept) => {
      const host = { loop, counts, accept, acceptHttp2: undefined };
      return listen({ ...options, secure: new SecureListener({ ...SERVER, engine }, host) }, accept);
    };
    const connect = async (port: number) => {
      const before = counts.handshakes;
      const client = await TlsClient.open(port);
      // A client of TLS 1.3 is ready before its server is.
      await until(() => counts.handshakes > before);
      return client;
    };
    return { loop, connect, until, quiet };
  });
}

const support = isEpollSupported();
if (support.supported) {
  conformance("epoll with OpenSSL", () => new EpollLoop(5), "openssl");
  conformance("epoll with node:tls", () => new EpollLoop(5), "node");
}
conformance("node with node:tls", () => new NodeLoop(5), "node");

describe("engines", () => {
  test("OpenSSL needs the epoll loop, and says so", () => {
    const loop = new NodeLoop(5);
    const host = { loop, counts: new TlsCounts(), accept: () => expect.fail(), acceptHttp2: undefined };
    expect(() => new SecureListener({ ...SERVER, engine: "openssl" }, host)).toThrow(/the loop is not epoll/);
    void loop.close();
  });
});
