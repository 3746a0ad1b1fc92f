import type { ConnectionEvent, LimitEvent, TlsEvent } from "./connection-channels.js";
import type { RequestEvent } from "./request-event.js";

/** A channel of `node:diagnostics_channel`, and what of its messages is shown. */
type Traced = readonly [channel: string, line: (message: never) => string];

const whole = ({ remoteAddress, remotePort }: { remoteAddress: string; remotePort: number }): string =>
  remoteAddress === "" ? "unix socket" : `${remoteAddress}:${remotePort}`;
const peerOf = ({ peerAddress, peerPort }: RequestEvent): string =>
  whole({ remoteAddress: peerAddress, remotePort: peerPort });
const ms = (duration: number): string => `${duration.toFixed(2)} ms`;
const messageOf = (error: unknown): string =>
  error instanceof Error
    ? `${"code" in error ? `${String(error.code)} ` : ""}${error.name}: ${error.message}`
    : String(error);

/** What `tz:static:*` say; this package does not know `@tz/static`. */
interface StaticMessage {
  readonly mount: string;
  readonly method?: string;
  readonly target?: string;
  readonly status?: number;
  readonly durationMs?: number;
  readonly kind?: string;
  readonly path?: string;
  readonly error?: unknown;
}

interface CacheMessage {
  readonly cache: string;
  readonly key: unknown;
  readonly bytes?: number;
  readonly reason?: string;
  readonly outcome?: string;
  readonly durationMs?: number;
}

/** What `TZ_DEBUG` may name, and what each section shows. */
export const DEBUG_SECTIONS = {
  connection: [
    [
      "tz:server:connection",
      (event: ConnectionEvent) => {
        const { kind, errno = 0, requests = 0 } = event;
        if (kind !== "closed") return `${whole(event)} ${kind}`;
        const why = errno === 0 ? "" : `, errno ${errno}`;
        return `${whole(event)} closed after ${requests} request${requests === 1 ? "" : "s"}${why}`;
      },
    ],
  ],
  request: [
    [
      "tz:server:request:start",
      (event: RequestEvent) =>
        `${peerOf(event)} ${event.method} ${event.target} HTTP/${event.httpVersion} for ${event.host}`,
    ],
    [
      "tz:server:request:error",
      (event: RequestEvent) =>
        `${peerOf(event)} ${event.method} ${event.target} failed: ${messageOf(event.error)}`,
    ],
    [
      "tz:server:request:end",
      (event: RequestEvent) => {
        const { method, target, route = "no route", status, bodyBytes, durationMs = 0, aborted } = event;
        const outcome = aborted ? `aborted (status ${status ?? "none"})` : String(status);
        const size = bodyBytes === undefined ? "" : `, ${bodyBytes} bytes`;
        return `${peerOf(event)} ${method} ${target} [${route}] ${outcome}${size}, ${ms(durationMs)}`;
      },
    ],
  ],
  limits: [
    [
      "tz:server:limit",
      ({ limit, detail, remoteAddress }: LimitEvent) =>
        `${remoteAddress === "" ? "server" : remoteAddress} ${limit}: ${detail}`,
    ],
  ],
  tls: [
    [
      "tz:server:tls",
      (event: TlsEvent) => `${whole(event)} ${event.kind === "failed" ? "handshake failed" : event.kind}`,
    ],
  ],
  workers: [
    [
      "tz:server:worker",
      ({ kind, ...more }: { kind: string }) =>
        `${kind} ${Object.entries(more)
          .map(([name, value]) => `${name}=${value instanceof Error ? value.message : String(value)}`)
          .join(" ")}`,
    ],
  ],
  static: [
    ["tz:static:request", ({ mount, method, target }: StaticMessage) => `${mount} ${method} ${target}`],
    [
      "tz:static:served",
      ({ mount, method, target, status, durationMs = 0 }: StaticMessage) =>
        `${mount} ${method} ${target} ${status}, ${ms(durationMs)}`,
    ],
    [
      "tz:static:warning",
      ({ mount, kind, path = "", error }: StaticMessage) =>
        `${mount} warning ${kind} ${path}${error === undefined ? "" : ` ${messageOf(error)}`}`,
    ],
  ],
  cache: [
    [
      "tz:cache:evict",
      ({ cache, key, bytes, reason }: CacheMessage) =>
        `${cache} evicts ${String(key)}, ${bytes} bytes: ${reason}`,
    ],
    [
      "tz:cache:load",
      ({ cache, key, outcome, durationMs = 0 }: CacheMessage) =>
        `${cache} ${outcome} ${String(key)}, ${ms(durationMs)}`,
    ],
  ],
  ws: [
    ["tz:ws:open", () => "opened"],
    ["tz:ws:error", ({ error }: { error: Error }) => `fails: ${messageOf(error)}`],
    [
      "tz:ws:close",
      ({ code, reason, clean }: { code: number; reason: string; clean: boolean }) =>
        `closed with ${code}${reason === "" ? "" : ` ${reason}`}${clean ? "" : ", not in order"}`,
    ],
  ],
} as const satisfies Record<string, readonly Traced[]>;

export type DebugSection = keyof typeof DEBUG_SECTIONS;
