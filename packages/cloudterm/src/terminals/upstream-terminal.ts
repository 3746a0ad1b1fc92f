import type { RequestOptions } from "node:https";
import type { Tunnel } from "@tz/http1";
import {
  type ConnectionHandler,
  type ConnectionSettings,
  connectionSettings,
  type Sink,
  WebSocketConnection,
} from "@tz/ws";
import { CloudtermError } from "../errors.js";
import { originOf } from "../proxy/forwarded-fields.js";
import { SocketTunnel } from "../proxy/socket-tunnel.js";
import { type Upstream, UpstreamGuard } from "../proxy/upstream.js";
import { openUpstream } from "../proxy/upstream-handshake.js";
import type {
  BackendEvents,
  BackendTerminal,
  TerminalBackend,
  TerminalEnd,
  TerminalStart,
} from "./terminal-backend.js";
import type { TerminalSize } from "./terminal-size.js";

export interface UpstreamTerminalOptions {
  /** A `ws:` or `wss:` URL. */
  readonly url: string;
  /** Addresses that the upstream may have beside public ones; see `UpstreamGuard`. */
  readonly allow?: readonly string[] | undefined;
  /** More fields of the handshake, such as `Authorization`; `Host` and `Origin` in place of the upstream's own. */
  readonly fields?: readonly (readonly [string, string])[] | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** An upstream that says nothing, no pong either, for so long is gone. Default 20,000. */
  readonly silentTimeoutMs?: number | undefined;
  readonly tls?: RequestOptions | undefined;
}

/** How a protocol speaks over a terminal's WebSocket. */
export interface TerminalDialect {
  readonly protocols: readonly string[];
  /** First messages. */
  greet(start: TerminalStart): readonly Uint8Array[];
  /** One message of input. */
  input(bytes: Uint8Array, start: number, end: number): Uint8Array;
  resize(size: TerminalSize): Uint8Array | undefined;
  /** A message of the server. */
  read(bytes: Uint8Array, start: number, end: number, events: BackendEvents): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const SILENT_TIMEOUT_MS = 20_000;

function settingsOf(silentTimeoutMs: number): ConnectionSettings {
  return connectionSettings({
    // Output of one message may be large; a ttyd sends what it reads at once.
    maxMessageBytes: 64 * 1024 * 1024,
    maxBufferedBytes: 64 * 1024 * 1024,
    pingIntervalMs: Math.ceil(silentTimeoutMs / 4),
    idleTimeoutMs: silentTimeoutMs,
    closeTimeoutMs: 1000,
  });
}
/** With more input than this waiting, whoever types waits. */
const INPUT_BYTES_MAX = 256 * 1024;

/** A back end whose terminals are WebSockets of another server. Back-pressure is TCP's: what is not read stays there. */
export function upstreamTerminal(
  name: string,
  options: UpstreamTerminalOptions,
  makeDialect: (guard: UpstreamGuard, upstream: Upstream, signal?: AbortSignal) => Promise<TerminalDialect>,
): TerminalBackend {
  const guard = new UpstreamGuard({ allow: options.allow });
  const upstream = guard.parse(options.url);
  const { fields = [], tls, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const settings = settingsOf(options.silentTimeoutMs ?? SILENT_TIMEOUT_MS);
  return {
    name,
    async open(start, events) {
      const dialect = await makeDialect(guard, upstream, start.signal);
      const { socket, head } = await openUpstream({
        upstream,
        path: upstream.path,
        // Servers that look at it (ttyd --check-origin) want their own.
        fields: withOwnFields(
          [
            ["Host", upstream.authority],
            ["Origin", originOf(upstream)],
          ],
          fields,
        ),
        protocols: dialect.protocols,
        extensions: "",
        timeoutMs: connectTimeoutMs,
        guard,
        tls,
        signal: start.signal,
      }).catch((error: CloudtermError) => {
        throw new CloudtermError("TZ_CLOUDTERM_BACKEND", error.message, { cause: error });
      });
      return new UpstreamTerminal(new SocketTunnel(socket), head, settings, dialect, start, events);
    },
  };
}

type Fields = readonly (readonly [string, string])[];

/** Each of `fields` whose name `own` has is left out: it would be sent twice. */
export function withOwnFields(fields: Fields, own: Fields): Fields {
  const names = new Set(own.map(([name]) => name.toLowerCase()));
  return [...fields.filter(([name]) => !names.has(name.toLowerCase())), ...own];
}

class UpstreamTerminal implements BackendTerminal {
  readonly #connection: WebSocketConnection;
  readonly #dialect: TerminalDialect;
  readonly #ticker: NodeJS.Timeout;
  #asked = false;

  constructor(
    tunnel: SocketTunnel,
    head: Uint8Array,
    settings: ConnectionSettings,
    dialect: TerminalDialect,
    start: TerminalStart,
    events: BackendEvents,
  ) {
    this.#dialect = dialect;
    const handler: ConnectionHandler = {
      onMessage: (_connection, bytes, from, to) => dialect.read(bytes, from, to, events),
      onDrain: () => events.onDrain(),
      onClose: (_connection, code, reason) => {
        clearInterval(this.#ticker);
        events.onEnd(this.#endOf(code, reason));
      },
    };
    const connection = new WebSocketConnection("client", sinkOf(tunnel), handler, { settings });
    this.#connection = connection;
    this.#ticker = setInterval(() => connection.tick(performance.now()), 1000);
    this.#ticker.unref();
    for (const message of dialect.greet(start)) connection.send(message);
    queueMicrotask(() => {
      const own = {
        onData: (bytes: Uint8Array, from: number, to: number) => connection.receive(bytes, from, to),
        onEnd: () => {
          connection.ended();
          tunnel.destroy();
        },
        onWritable: () => connection.writable(),
        onClose: () => connection.ended(),
      };
      tunnel.start(own, head);
    });
  }

  /** ttyd closes with 1000 when the program exits with 0, otherwise with 1011; old ones let 1006 be seen. */
  #endOf(code: number, reason: string): TerminalEnd {
    if (code === 1000) return { code: 0, signal: undefined, message: reason || "the program has ended" };
    if (this.#asked) return { code: undefined, signal: undefined, message: "the terminal was ended" };
    if (code === 1011 && reason === "")
      return { code: undefined, signal: undefined, message: "the program failed" };
    const why = code === 1006 ? "the upstream closed the connection" : `the upstream closed with ${code}`;
    return { code: undefined, signal: undefined, message: reason === "" ? why : `${why}: ${reason}` };
  }

  get pendingInputBytes(): number {
    return this.#connection.bufferedBytes;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.#connection.send(this.#dialect.input(bytes, start, end));
    return this.#connection.bufferedBytes < INPUT_BYTES_MAX;
  }

  resize(size: TerminalSize): void {
    const message = this.#dialect.resize(size);
    if (message !== undefined) this.#connection.send(message);
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  end(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#connection.close(1000);
    setTimeout(() => this.#connection.terminate(), 2000).unref();
  }
}

function sinkOf(tunnel: Tunnel): Sink {
  return {
    write: (chunk) => tunnel.write(chunk, 0, chunk.byteLength),
    writeRange: (bytes, start, end) => tunnel.write(bytes, start, end),
    close: () => tunnel.shutdown(),
    abort: () => tunnel.destroy(),
    pause: () => tunnel.pause(),
    resume: () => tunnel.resume(),
  };
}
