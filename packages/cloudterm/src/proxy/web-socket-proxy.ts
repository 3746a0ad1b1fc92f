import type { IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ResponseHead, type ResponsePlan, type Tunnel, type TunnelHandler } from "@tz/http1";
import { type ServerRequest, text, Upgraded } from "@tz/server";
import { F_DUPFD_CLOEXEC, fcntl, isSupported } from "@tz/sys";
import { acceptHandshake, CLOSE, type HandshakeRequest } from "@tz/ws";
import { CloudtermError } from "../errors.js";
import { type Numbers, resolveNumbers } from "../option-table.js";
import { isSameOrigin, isSameOriginNode } from "../terminals/same-origin.js";
import { DescriptorTunnel } from "./descriptor-tunnel.js";
import { fieldsForUpstream, type ProxiedRequest } from "./forwarded-fields.js";
import { FrameRelay, type FrameRelayOptions } from "./frame-relay.js";
import { PROXY_LIMITS, type ProxyLimits } from "./proxy-limits.js";
import type { Relay, RelayEnd } from "./relay.js";
import { SocketTunnel } from "./socket-tunnel.js";
import { SpliceRelay } from "./splice-relay.js";
import { type Upstream, UpstreamGuard } from "./upstream.js";
import { openUpstream, type UpstreamConnection } from "./upstream-handshake.js";

export interface WebSocketProxyOptions {
  /** A `ws:` or `wss:` URL. */
  readonly upstream: string;
  /**
   * `splice`: after the handshake the kernel carries the bytes (Linux, no TLS on either side; otherwise `frames`).
   * `frames`: frames are followed, for limits, pings, close codes and whoever looks. Default `frames`.
   */
  readonly mode?: "splice" | "frames" | undefined;
  readonly limits?: ProxyLimits | undefined;
  /** Addresses that the upstream may have beside public ones; see `UpstreamGuard`. */
  readonly allow?: readonly string[] | undefined;
  /** For `wss:`: `ca`, `cert`, `key`, `servername` … as `node:https` takes them. */
  readonly tls?: RequestOptions | undefined;
  /** Default: the origin that the request was sent to, or none. */
  readonly allowOrigin?: ((origin: string | undefined) => boolean) | undefined;
  /** More fields for the upstream, such as credentials of its own. */
  readonly fields?: readonly (readonly [string, string])[] | undefined;
  /** Sees data messages as they pass; `frames`, and no compression is negotiated then. */
  readonly onPayload?: FrameRelayOptions["onPayload"];
  readonly onEnd?: ((end: RelayEnd, tag: unknown) => void) | undefined;
}

/** What one connection has of its own. */
export interface ProxiedConnection {
  /** Path and query at the upstream, in place of those of its URL. */
  readonly path?: string | undefined;
  /** More fields for the upstream, behind those of the options. */
  readonly fields?: readonly (readonly [string, string])[] | undefined;
  /** Breaks off the upstream's handshake, when nobody is to be joined any more. */
  readonly signal?: AbortSignal | undefined;
}

interface Client extends ProxiedConnection {
  readonly request: ProxiedRequest;
  readonly handshake: HandshakeRequest;
  readonly sameOrigin: boolean;
}

interface Joined {
  readonly relay: Relay;
  readonly tag: unknown;
}

/**
 * Carries WebSockets to an upstream, on `@tz/server` and on `node:http`.
 *
 * ```js
 * const proxy = new WebSocketProxy({ upstream: "ws://127.0.0.1:7681/ws", allow: ["127.0.0.1"], mode: "splice" });
 * app.get("/ws", (request) => proxy.accept(request));
 * ```
 */
export class WebSocketProxy {
  readonly #options: WebSocketProxyOptions;
  readonly #limits: Numbers<typeof PROXY_LIMITS>;
  readonly #guard: UpstreamGuard;
  readonly #upstream: Upstream;
  readonly #joined = new Set<Joined>();
  readonly #timer: NodeJS.Timeout;
  #opening = 0;
  #closed = false;

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION`, `TZ_CLOUDTERM_REQUEST` for an upstream that may not be */
  constructor(options: WebSocketProxyOptions) {
    this.#options = options;
    this.#limits = resolveNumbers("proxy", PROXY_LIMITS, options.limits ?? {});
    this.#guard = new UpstreamGuard({ allow: options.allow });
    this.#upstream = this.#guard.parse(options.upstream);
    this.#timer = setInterval(() => this.#tick(), 1000);
    this.#timer.unref();
  }

  get stats(): {
    readonly connections: number;
    readonly opening: number;
    readonly passedBytes: number;
    readonly waitingBytes: number;
  } {
    let passedBytes = 0;
    let waitingBytes = 0;
    for (const { relay } of this.#joined) {
      passedBytes += relay.passedBytes;
      waitingBytes += relay.waitingBytes;
    }
    return { connections: this.#joined.size, opening: this.#opening, passedBytes, waitingBytes };
  }

  /** Tags of the connections that are open. */
  get tags(): readonly unknown[] {
    return [...this.#joined].map(({ tag }) => tag);
  }

  /** Ends connections by their tag, such as those of a session that was revoked. @returns how many */
  dismiss(
    which: (tag: unknown) => boolean,
    code: number = CLOSE.policyViolation,
    reason = "logged out",
  ): number {
    let count = 0;
    for (const { relay, tag } of [...this.#joined]) {
      if (!which(tag)) continue;
      relay.stop(code, reason);
      count++;
    }
    return count;
  }

  /** Ends all connections and takes no more. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.dismiss(() => true, CLOSE.goingAway, "the gateway stops");
  }

  /**
   * For `@tz/server`: what a route returns. Answers 101, or says what is wrong: 4xx of the handshake, 403 for a foreign
   * page, 502 and 504 for the upstream, 503 when there are too many.
   * @param tag given back to `dismiss` and `onEnd`
   */
  async accept(request: ServerRequest, tag?: unknown, own: ProxiedConnection = {}): Promise<ResponsePlan> {
    request.keep();
    const { address, scheme = "http", host = "" } = request.client;
    const fields = Object.entries(request.fields()).flat();
    const { method, target } = request;
    const client: Client = {
      request: { method, target, fields, address, scheme, host },
      handshake: request,
      sameOrigin: isSameOrigin(request),
      ...own,
    };
    // RFC 9110 §7.8: the protocol does not change in the middle of a request; the server would refuse it after the fact.
    if (request.body !== null) return text("a handshake has no body\n", { status: 400 });
    const { signal } = request;
    const opened = await this.#open(client, signal).catch((error: unknown) => refusal(error));
    if ("head" in opened) return opened;
    // A client that goes before it has its 101 is never joined.
    const drop = (): void => void opened.connection.socket.destroy();
    signal.addEventListener("abort", drop);
    if (signal.aborted) drop();
    return {
      head: new ResponseHead(101, opened.fields),
      body: { kind: "none" },
      upgrade: (tunnel) => {
        signal.removeEventListener("abort", drop);
        return this.#joinTunnel(tunnel, opened.connection, tag);
      },
    };
  }

  /** For `node:http` and `node:https`: answers an `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array, tag?: unknown): void {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    socket.on("error", () => socket.destroy());
    socket.once("close", onClose);
    const scheme = "encrypted" in socket ? "https" : "http";
    const { method = "GET", url: target = "/", headers, rawHeaders: fields } = request;
    const address = request.socket.remoteAddress ?? "";
    const client: Client = {
      request: { method, target, fields, address, scheme, host: headers.host ?? "" },
      handshake: {
        method,
        minorVersion: request.httpVersionMinor,
        field: (name) => headers[name]?.toString(),
      },
      sameOrigin: isSameOriginNode(request),
    };
    this.#open(client, gone.signal).then(
      (opened) => {
        socket.off("close", onClose);
        if ("head" in opened) {
          endWith(socket, opened);
          return;
        }
        const lines = pairs(opened.fields).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`, () => {
          this.#joinSocket(socket, head, opened.connection, tag);
        });
      },
      (error: unknown) => endWith(socket, refusal(error)),
    );
  }

  /** Both handshakes up to the client's 101. @throws CloudtermError `TZ_CLOUDTERM_UPSTREAM` */
  async #open(
    client: Client,
    signal: AbortSignal,
  ): Promise<ResponsePlan | { readonly fields: string[]; readonly connection: UpstreamConnection }> {
    const { allowOrigin, tls, fields: more = [], onPayload } = this.#options;
    if (!(allowOrigin?.(client.handshake.field("origin")) ?? client.sameOrigin)) {
      return text("a page of another origin\n", { status: 403 });
    }
    const checked = acceptHandshake(client.handshake);
    if (!checked.accepted) {
      const fields = checked.fields.filter(([name]) => name !== "Connection").flat();
      return text(`${checked.error.message}\n`, { status: checked.status, fields });
    }
    if (this.#closed || this.#joined.size + this.#opening >= this.#limits.maxConnections) {
      return text("too many connections\n", { status: 503, fields: ["Retry-After", "5"] });
    }
    this.#opening++;
    const gone = new AbortController();
    const abort = (): void => gone.abort();
    const signals = client.signal === undefined ? [signal] : [signal, client.signal];
    for (const each of signals) {
      each.addEventListener("abort", abort);
      if (each.aborted) abort();
    }
    try {
      const offered = client.handshake.field("sec-websocket-protocol");
      const connection = await openUpstream({
        upstream: this.#upstream,
        path: client.path ?? this.#upstream.path,
        fields: [...fieldsForUpstream(client.request, this.#upstream), ...more, ...(client.fields ?? [])],
        protocols: offered?.split(",").map((name) => name.trim()) ?? [],
        // Whoever looks at payload looks at it as it is.
        extensions: onPayload === undefined ? (client.handshake.field("sec-websocket-extensions") ?? "") : "",
        timeoutMs: this.#limits.connectTimeoutMs,
        guard: this.#guard,
        tls,
        signal: gone.signal,
      });
      if (this.#closed) {
        connection.socket.destroy();
        return text("the gateway stops\n", { status: 503, fields: ["Retry-After", "5"] });
      }
      const answer = checked.fields.flat();
      const { protocol, extensions } = connection;
      if (protocol !== undefined) answer.push("Sec-WebSocket-Protocol", protocol);
      if (extensions !== undefined) answer.push("Sec-WebSocket-Extensions", extensions);
      return { fields: answer, connection };
    } finally {
      this.#opening--;
      for (const each of signals) each.removeEventListener("abort", abort);
    }
  }

  #joinTunnel(tunnel: Tunnel, connection: UpstreamConnection, tag: unknown): TunnelHandler {
    if (this.#splices(connection.socket) && tunnel instanceof Upgraded) {
      return new UntilDetached(tunnel, (handler, first) => {
        const fd = first === undefined && handler.open ? tunnel.detach() : undefined;
        if (fd !== undefined) this.#splice(fd, connection, tag);
        else return this.#joinFrames(tunnel, connection, tag);
        return undefined;
      });
    }
    return this.#joinFrames(tunnel, connection, tag);
  }

  #joinSocket(socket: Duplex, head: Uint8Array, connection: UpstreamConnection, tag: unknown): void {
    if (socket.destroyed) {
      connection.socket.destroy();
      return;
    }
    const first = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
    const pending = Buffer.concat([head, first]);
    if (
      pending.length === 0 &&
      socket instanceof Socket &&
      this.#splices(socket) &&
      this.#splices(connection.socket)
    ) {
      const fd = takeDescriptor(socket);
      if (fd !== undefined) {
        this.#splice(fd, connection, tag);
        return;
      }
    }
    const tunnel = new SocketTunnel(socket as Socket);
    tunnel.start(this.#joinFrames(tunnel, connection, tag), pending);
  }

  #splices(socket: Socket): boolean {
    return (
      this.#options.mode === "splice" &&
      this.#options.onPayload === undefined &&
      isSupported().supported &&
      !("encrypted" in socket)
    );
  }

  /** The client's descriptor is ours; the upstream's is taken from Node. */
  #splice(clientFd: number, connection: UpstreamConnection, tag: unknown): void {
    const { socket, head } = connection;
    const first = Buffer.concat([head, (socket.read() as Buffer | null) ?? Buffer.alloc(0)]);
    const upstreamFd = takeDescriptor(socket);
    try {
      if (upstreamFd === undefined) {
        const client = new DescriptorTunnel(clientFd);
        client.start(this.#joinFrames(client, { ...connection, head: first }, tag), new Uint8Array(0));
        return;
      }
      const relay = new SpliceRelay(
        clientFd,
        upstreamFd,
        { ...this.#limits, first, onEnd: (end) => this.#left(joined, end) },
        performance.now(),
      );
      const joined: Joined = { relay, tag };
      this.#joined.add(joined);
      if (this.#closed) relay.stop(CLOSE.goingAway, "the gateway stops");
    } catch (error) {
      this.#notJoined(connection, error, tag);
    }
  }

  /** @returns what hears the client; nobody does when there is nothing to join it with, and it is closed then */
  #joinFrames(client: Tunnel, connection: UpstreamConnection, tag: unknown): TunnelHandler {
    const { extensions } = connection;
    let opened: ReturnType<typeof upstreamTunnel>;
    try {
      opened = upstreamTunnel(connection);
    } catch (error) {
      // Later: whoever asks is about to hand the client to the handler.
      queueMicrotask(() => client.destroy());
      this.#notJoined(connection, error, tag);
      return NOBODY;
    }
    const { upstream, head } = opened;
    const relay = new FrameRelay(
      client,
      upstream,
      {
        ...this.#limits,
        compressed: extensions !== undefined,
        onPayload: this.#options.onPayload,
        onEnd: (end) => this.#left(joined, end),
      },
      performance.now(),
    );
    const joined: Joined = { relay, tag };
    this.#joined.add(joined);
    // After the handler is in place: what comes first may be answered at once.
    queueMicrotask(() => upstream.start(relay.fromUpstream, head));
    if (this.#closed) relay.stop(CLOSE.goingAway, "the gateway stops");
    return relay.fromClient;
  }

  /** The kernel had nothing left for it. */
  #notJoined({ socket }: UpstreamConnection, error: unknown, tag: unknown): void {
    socket.destroy();
    this.#options.onEnd?.({ by: "gateway", code: CLOSE.abnormal, reason: (error as Error).message }, tag);
  }

  #left(joined: Joined, end: RelayEnd): void {
    this.#joined.delete(joined);
    this.#options.onEnd?.(end, joined.tag);
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const { relay } of this.#joined) relay.tick(nowMs);
  }
}

const NOBODY: TunnelHandler = { onData() {}, onEnd() {}, onWritable() {}, onClose() {} };

type Decide = (handler: UntilDetached, first: Uint8Array | undefined) => TunnelHandler | undefined;

/** Holds a tunnel until it is known whether its descriptor can be taken: only when no byte has come behind the request. */
class UntilDetached implements TunnelHandler {
  open = true;
  readonly #decide: Decide;
  #inner: TunnelHandler | undefined;
  #decided = false;

  constructor(_tunnel: Tunnel, decide: Decide) {
    this.#decide = decide;
    // The server hands over what came behind the request in this very turn.
    queueMicrotask(() => this.#settle(undefined));
  }

  #settle(first: Uint8Array | undefined): void {
    if (this.#decided) return;
    this.#decided = true;
    this.#inner = this.#decide(this, first);
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.#settle(bytes);
    this.#inner?.onData(bytes, start, end);
  }
  onEnd(): void {
    this.#settle(new Uint8Array(0));
    this.#inner?.onEnd();
  }
  onWritable(): void {
    this.#inner?.onWritable();
  }
  onClose(): void {
    this.open = false;
    if (!this.#decided) this.#settle(new Uint8Array(0));
    this.#inner?.onClose();
  }
  onStop(): void {
    this.#inner?.onStop?.();
  }
}

/** On its bare descriptor where that can be had: a stream costs as much as all the rest. */
function upstreamTunnel({ socket, head }: UpstreamConnection): {
  readonly upstream: DescriptorTunnel | SocketTunnel;
  readonly head: Buffer;
} {
  if (!isSupported().supported || "encrypted" in socket) return { upstream: new SocketTunnel(socket), head };
  const first = Buffer.concat([head, (socket.read() as Buffer | null) ?? Buffer.alloc(0)]);
  const fd = takeDescriptor(socket);
  return { upstream: fd === undefined ? new SocketTunnel(socket) : new DescriptorTunnel(fd), head: first };
}

/**
 * A descriptor of our own for the socket; Node's is closed, without a word to the peer. `undefined`, and the socket stays
 * with Node, when it has none, has bytes to write, or the process may have no more descriptors.
 */
function takeDescriptor(socket: Socket): number | undefined {
  const { fd } = (socket as unknown as { _handle?: { fd?: number } | null })._handle ?? {};
  if (fd === undefined || fd < 0 || socket.writableLength > 0) return undefined;
  socket.setNoDelay(true);
  let own: number;
  try {
    own = fcntl(fd, F_DUPFD_CLOEXEC);
  } catch {
    return undefined;
  }
  socket.on("error", () => {});
  socket.destroy();
  return own;
}

function refusal(error: unknown): ResponsePlan {
  if (!(error instanceof CloudtermError)) throw error;
  const status = /did not answer within/.test(error.message) ? 504 : (error.status ?? 502);
  return text(`${error.message}\n`, { status });
}

function pairs(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) found.push([flat[i]!, flat[i + 1]!]);
  return found;
}

/** Answers a handshake that is not accepted, on a socket of Node. */
function endWith(socket: Duplex, { head, body }: ResponsePlan): void {
  const lines = pairs(head.fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const content = body.kind === "bytes" ? Buffer.from(body.bytes) : Buffer.alloc(0);
  socket.end(
    Buffer.concat([
      Buffer.from(`HTTP/1.1 ${head.status} -\r\nConnection: close\r\n${lines.join("")}\r\n`),
      content,
    ]),
  );
}
