import { createHash, randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { Socket } from "node:net";
import { CloudtermError } from "../errors.js";
import type { Upstream, UpstreamGuard } from "./upstream.js";

export interface UpstreamOffer {
  readonly upstream: Upstream;
  /** Path and query. */
  readonly path: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly protocols: readonly string[];
  /** `Sec-WebSocket-Extensions` as it is offered; empty for none. */
  readonly extensions: string;
  readonly timeoutMs: number;
  readonly guard: UpstreamGuard;
  readonly tls?: RequestOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface UpstreamConnection {
  readonly socket: Socket;
  /** What came behind the handshake. */
  readonly head: Buffer;
  readonly protocol: string | undefined;
  readonly extensions: string | undefined;
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What a client's `Sec-WebSocket-Key` must be answered with (RFC 6455 §4.2.2). */
export function acceptKeyOf(key: string): string {
  return createHash("sha1")
    .update(key + GUID)
    .digest("base64");
}

/**
 * Connects to an upstream and checks its side of the handshake (RFC 6455 §4.1).
 * @throws CloudtermError `TZ_CLOUDTERM_UPSTREAM`, with what went wrong in words for the user
 */
export async function openUpstream(offer: UpstreamOffer): Promise<UpstreamConnection> {
  const key = randomBytes(16).toString("base64");
  const { response, socket, head } = await exchange(offer, key);
  const wrong = checkResponse(response, offer, key);
  if (wrong !== undefined) {
    socket.destroy();
    throw failed(wrong);
  }
  return {
    socket,
    head,
    protocol: response.headers["sec-websocket-protocol"],
    extensions: response.headers["sec-websocket-extensions"],
  };
}

function checkResponse({ headers }: IncomingMessage, offer: UpstreamOffer, key: string): string | undefined {
  if (headers.upgrade?.toLowerCase() !== "websocket") return "the upstream switched to another protocol";
  if (headers["sec-websocket-accept"] !== acceptKeyOf(key)) return "the upstream's handshake is wrong";
  const protocol = headers["sec-websocket-protocol"];
  if (protocol !== undefined && !offer.protocols.includes(protocol)) {
    return "the upstream chose a subprotocol that was not offered";
  }
  const extensions = headers["sec-websocket-extensions"];
  if (extensions !== undefined && !extensions.split(",").every((one) => offers(offer.extensions, one))) {
    return "the upstream chose an extension that was not offered";
  }
  return undefined;
}

function offers(offered: string, extension: string): boolean {
  const nameOf = (text: string) => text.split(";")[0]!.trim().toLowerCase();
  return offered.split(",").some((one) => nameOf(one) !== "" && nameOf(one) === nameOf(extension));
}

interface Exchange {
  readonly response: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

function exchange(offer: UpstreamOffer, key: string): Promise<Exchange> {
  const { upstream, path, fields, protocols, extensions, timeoutMs, guard, tls, signal } = offer;
  const { secure, host, port } = upstream;
  const headers: string[] = [];
  for (const [name, value] of fields) headers.push(name, value);
  headers.push("Connection", "Upgrade", "Upgrade", "websocket");
  headers.push("Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", key);
  if (protocols.length > 0) headers.push("Sec-WebSocket-Protocol", protocols.join(", "));
  if (extensions !== "") headers.push("Sec-WebSocket-Extensions", extensions);
  const options = {
    host,
    port,
    path,
    headers,
    agent: false as const,
    lookup: guard.lookup,
    maxHeaderSize: 16_384,
  };
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(failed("the client went away"));
      return;
    }
    const request = secure ? httpsRequest({ ...tls, ...options }) : httpRequest(options);
    const stop = (message: string, options?: ErrorOptions): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      reject(failed(message, options));
      request.destroy();
    };
    const onAbort = (): void => stop("the client went away");
    const timer = setTimeout(() => stop(`the upstream did not answer within ${timeoutMs} ms`), timeoutMs);
    signal?.addEventListener("abort", onAbort);
    request.on("upgrade", (response, socket, head) => {
      // Until it is joined nobody else listens: an upstream that breaks off meanwhile must not end the process.
      socket.on("error", () => socket.destroy());
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve({ response, socket: socket as Socket, head });
    });
    request.on("response", (response) => stop(`the upstream answered ${response.statusCode}`));
    request.on("error", (cause: NodeJS.ErrnoException) => {
      stop(unreachable(cause), { cause });
    });
    request.end();
  });
}

/** What a failed request to an upstream means. */
export function unreachable({ code }: NodeJS.ErrnoException): string {
  // It was reached: a ttyd that has as many clients as it wants hangs up like this.
  if (code === "ECONNRESET") return "the upstream closed the connection without an answer";
  return `the upstream cannot be reached${code === undefined ? "" : ` (${code})`}`;
}

function failed(message: string, options?: ErrorOptions): CloudtermError {
  return new CloudtermError("TZ_CLOUDTERM_UPSTREAM", message, options);
}
