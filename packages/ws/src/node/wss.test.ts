import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { copyingHandler } from "../copying-handler.js";
import { connect } from "./connect.js";
import { makeCertificate } from "./tls.fixture.js";
import { upgrade } from "./upgrade.js";

const certificate = makeCertificate();

test.skipIf(certificate === undefined)(
  "wss: messages of all sizes, both ways, to a server with its own certificate",
  async () => {
    const server = createServer({ ...certificate! });
    const options = {
      handler: copyingHandler({ message: (connection, data) => void connection.send(data) }),
      deflate: true,
    };
    server.on("upgrade", (request, socket, head) => upgrade(request, socket, head, options));
    server.listen(0, "localhost");
    await once(server, "listening");
    const url = `wss://localhost:${(server.address() as AddressInfo).port}`;
    await expect(connect(url, { handler: options.handler })).rejects.toMatchObject({ code: "TZ_WS_CONNECT" });

    const got: Buffer[] = [];
    const sizes = [0, 10, 1000, 70_000, 2 << 20];
    await new Promise<void>((resolve, reject) => {
      const handler = copyingHandler({
        message(connection, data) {
          got.push(Buffer.from(data));
          if (got.length === sizes.length) connection.close();
        },
        close: () => resolve(),
        error: (_connection, error) => reject(error),
      });
      connect(url, { handler, deflate: true, tls: { ca: certificate!.cert } }).then((connection) => {
        for (const size of sizes) connection.send(Buffer.alloc(size, "tls "));
      }, reject);
    });
    expect(got.map(({ length }) => length)).toEqual(sizes);
    for (const data of got) expect(data.equals(Buffer.alloc(data.length, "tls "))).toBe(true);
    server.closeAllConnections();
    server.close();
  },
);
