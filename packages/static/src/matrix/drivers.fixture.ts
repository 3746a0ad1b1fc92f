/** Everything that can carry a plan out, behind one question: what is the answer to this request? */
import { createServer as createHttpServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "@tz/server";
import { toFetchHandler, toNodeHandler } from "../index.js";
import type { StaticMount } from "../mount.js";
import type { StaticOptions } from "../options.js";
import { type Answer, exchange, type RawRequest } from "./exchange.fixture.js";

export interface Running {
  ask(request: RawRequest): Promise<Answer>;
  close(): Promise<void>;
}

export interface Driver {
  readonly name: string;
  /** It sends the target byte by byte as given: URLs are not normalised on the way. */
  readonly isRaw: boolean;
  readonly options: StaticOptions;
  start(mount: StaticMount): Promise<Running>;
}

function fetchDriver(name: string, options: StaticOptions): Driver {
  return {
    name,
    isRaw: false,
    options,
    async start(mount) {
      const handler = toFetchHandler(mount);
      return {
        async ask({ method, target, headers }) {
          const response = await handler(new Request(`http://localhost${target}`, { method, headers }));
          const body = Buffer.from(await response.arrayBuffer());
          return { status: response.status, headers: Object.fromEntries(response.headers), body };
        },
        close: async () => mount.close(),
      };
    },
  };
}

function nodeDriver(name: string, options: StaticOptions): Driver {
  return {
    name,
    isRaw: true,
    options,
    async start(mount) {
      const server: Server = createHttpServer(toNodeHandler(mount));
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      const { port } = server.address() as AddressInfo;
      return {
        ask: (request) => exchange(port, request),
        close: () =>
          new Promise((done) =>
            server.close(() => {
              mount.close();
              done();
            }),
          ),
      };
    },
  };
}

function serverDriver(loop: "epoll" | "node", options: StaticOptions = {}): Driver {
  return {
    name: `@tz/server on the ${loop} loop${options.cache?.bytes === 0 ? " without a cache" : ""}`,
    isRaw: true,
    options,
    async start(mount) {
      const app = createServer({ loop });
      app.mount(mount);
      const { port } = await app.listen({ host: "127.0.0.1", port: 0 });
      return { ask: (request) => exchange(port, request), close: () => app.close() };
    },
  };
}

export const drivers: readonly Driver[] = [
  fetchDriver("Fetch adapter", {}),
  fetchDriver("Fetch adapter without a cache", { cache: { bytes: 0 } }),
  nodeDriver("node:http adapter", {}),
  nodeDriver("node:http adapter on node:fs", { sys: false }),
  nodeDriver("node:http adapter, files as descriptors", { cache: { maxEntryBytes: 0 } }),
  serverDriver("epoll"),
  serverDriver("node"),
  serverDriver("epoll", { cache: { bytes: 0 } }),
  serverDriver("node", { cache: { bytes: 0 } }),
];
