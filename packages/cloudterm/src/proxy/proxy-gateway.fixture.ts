import { createServer as createHttpServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createServer as createSocketServer } from "node:net";
import { createServer } from "@tz/server";
import { vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { RelayEnd } from "./relay.js";
import { WebSocketProxy, type WebSocketProxyOptions } from "./web-socket-proxy.js";

export type Front = "epoll" | "node" | "node:http";

/** An upstream that is a real server of `ws`, and what it saw. */
export class EchoUpstream {
  readonly server: Server;
  readonly sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: true,
    handleProtocols: (offered) => (offered.has("b") ? "b" : false),
  });
  readonly requests: Record<string, string | string[] | undefined>[] = [];
  /** Answers a connection in place of the echo. */
  onConnection: ((socket: WebSocket, raw: Socket) => void) | undefined;
  port = 0;

  constructor() {
    this.server = createHttpServer();
    this.server.on("upgrade", (request, socket, head) => {
      this.requests.push({ ...request.headers, url: request.url });
      this.sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on("error", () => {});
        if (this.onConnection !== undefined) this.onConnection(ws, socket as Socket);
        else ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
      });
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  stop(): void {
    for (const socket of this.sockets.clients) socket.terminate();
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** An upstream that does what it is told with its bare socket. */
export async function rawUpstream(
  onSocket: (socket: Socket) => void,
): Promise<{ port: number; stop(): void }> {
  const open = new Set<Socket>();
  const server = createSocketServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** A proxy behind one of the servers that it works on. */
export class ProxyGateway {
  readonly proxy: WebSocketProxy;
  readonly ends: RelayEnd[] = [];
  port = 0;
  readonly #stops: (() => unknown)[] = [];

  private constructor(options: WebSocketProxyOptions) {
    this.proxy = new WebSocketProxy({
      allow: ["127.0.0.1"],
      onEnd: (end) => this.ends.push(end),
      ...options,
    });
  }

  static async start(front: Front, options: WebSocketProxyOptions): Promise<ProxyGateway> {
    const gateway = new ProxyGateway(options);
    if (front === "node:http") {
      const server = createHttpServer((_request, response) => response.end("page"));
      server.on("upgrade", (request, socket, head) =>
        gateway.proxy.upgrade(request, socket, head, request.url),
      );
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      gateway.port = (server.address() as AddressInfo).port;
      gateway.#stops.push(
        () => server.closeAllConnections(),
        () => server.close(),
      );
    } else {
      const app = createServer({ loop: front, lingerTimeoutMs: 100 });
      app.get("/*rest", (request) => gateway.proxy.accept(request, request.target));
      ({ port: gateway.port } = await app.listen({ port: 0 }));
      gateway.#stops.push(() => app.close({ timeoutMs: 0 }));
    }
    return gateway;
  }

  client(
    options: { protocols?: string[]; headers?: Record<string, string>; perMessageDeflate?: boolean } = {},
  ): WebSocket {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/x?y`, options.protocols ?? [], {
      perMessageDeflate: options.perMessageDeflate ?? false,
      headers: options.headers ?? {},
    });
    socket.on("error", () => {});
    this.#stops.unshift(() => socket.terminate());
    return socket;
  }

  async open(options: Parameters<ProxyGateway["client"]>[0] = {}): Promise<WebSocket> {
    const socket = this.client(options);
    let refused = "";
    socket.on("error", (error) => {
      refused = error.message;
    });
    await until(() => socket.readyState === WebSocket.OPEN || refused !== "");
    if (refused !== "") throw new Error(refused);
    return socket;
  }

  async stop(): Promise<void> {
    this.proxy.close();
    for (const stop of this.#stops) await stop();
  }
}

export function until(check: () => boolean): Promise<unknown> {
  return vi.waitUntil(check, { timeout: 120_000, interval: 5 });
}
