import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { type ServerRequest, text } from "@tz/server";
import { CloudtermError, shown } from "../errors.js";
import { type NumberOptions, type Numbers, type NumberTable, resolveNumbers } from "../option-table.js";
import { fieldsForClient, fieldsForUpstream, type ProxiedRequest } from "./forwarded-fields.js";
import { type Upstream, UpstreamGuard } from "./upstream.js";

export const HTTP_PROXY_LIMITS = {
  answerTimeoutMs: {
    default: 30_000,
    min: 10,
    max: 3_600_000,
    unit: "ms",
    meaning: "From the request to the upstream's head, and between two pieces of its body.",
  },
  maxSockets: {
    default: 256,
    min: 1,
    max: 65_536,
    unit: "connections",
    meaning: "To the upstream at a time; further requests wait.",
  },
} as const satisfies NumberTable;

/** Asking twice is asking once (RFC 9110 §9.2.1). */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS"]);
const NOT_PASSED = new Set(["TRACE", "TRACK", "CONNECT"]);
/** `.` and `..` in the spellings that some server reads as such. */
const DOT_SEGMENT = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?=$|[/\\;]|%2f|%5c|%3b)/i;

/** What is noted at the error of a request: its connection had been used before. */
interface Stale {
  readonly stale?: boolean;
}

export interface HttpProxyOptions {
  /** An `http:` or `https:` URL; its path goes in front of the target. */
  readonly upstream: string;
  /** Part of the target that the upstream does not see: `/tools/ttyd`. Default: none. */
  readonly prefix?: string | undefined;
  /** Addresses that the upstream may have beside public ones; see `UpstreamGuard`. */
  readonly allow?: readonly string[] | undefined;
  readonly limits?: NumberOptions<typeof HTTP_PROXY_LIMITS> | undefined;
  readonly tls?: RequestOptions | undefined;
  /** More fields for the upstream, such as credentials of its own. */
  readonly fields?: readonly (readonly [string, string])[] | undefined;
}

/**
 * Carries requests for an upstream's pages, on `@tz/server` and on `node:http`. No cookie, no authorization and no claim
 * of a proxy goes to the upstream; no cookie of the upstream comes back. A slow client slows the upstream and the other
 * way round.
 */
export class HttpProxy {
  readonly #options: HttpProxyOptions;
  readonly #limits: Numbers<typeof HTTP_PROXY_LIMITS>;
  readonly #upstream: Upstream;
  readonly #guard: UpstreamGuard;
  readonly #agent: HttpAgent;
  readonly #prefix: string;

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION`, `TZ_CLOUDTERM_REQUEST` for an upstream that may not be */
  constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.#limits = resolveNumbers("httpProxy", HTTP_PROXY_LIMITS, options.limits ?? {});
    this.#guard = new UpstreamGuard({ allow: options.allow });
    this.#upstream = this.#guard.parse(options.upstream);
    const { prefix = "" } = options;
    if (prefix !== "" && !/^\/.*[^/]$/.test(prefix)) {
      throw new CloudtermError("TZ_CLOUDTERM_OPTION", `prefix is ${shown(prefix)}; allowed: as /tools/ttyd`);
    }
    this.#prefix = prefix;
    const { maxSockets } = this.#limits;
    const pool = { keepAlive: true, maxSockets, maxFreeSockets: 16 };
    this.#agent = this.#upstream.secure
      ? new HttpsAgent({ ...(options.tls as object), ...pool })
      : new HttpAgent(pool);
  }

  /** Requests that wait for a connection to the upstream, or have one: their answers are not over. */
  get active(): number {
    let count = 0;
    for (const each of Object.values(this.#agent.sockets)) count += each?.length ?? 0;
    for (const each of Object.values(this.#agent.requests)) count += each?.length ?? 0;
    return count;
  }

  /** Closes idle connections to the upstream; those in use end with their request. */
  close(): void {
    // Not `destroy()`: it ends those in use, too.
    this.#agent.maxFreeSockets = 0;
    for (const sockets of Object.values(this.#agent.freeSockets))
      for (const socket of [...(sockets ?? [])]) socket.destroy();
  }

  /**
   * For `@tz/server`: what a route returns. 502 and 504 say what is wrong with the upstream.
   * @param more fields of this one request for the upstream
   * @param headTimeoutMs how long it may take to the upstream's head, where that is less than `answerTimeoutMs`
   */
  async answer(
    request: ServerRequest,
    more: readonly (readonly [string, string])[] = [],
    headTimeoutMs?: number,
  ): Promise<ResponsePlan> {
    request.keep();
    const { address, scheme = "http", host = "" } = request.client;
    const fields = Object.entries(request.fields()).flat();
    const { method, target, body } = request;
    const proxied: ProxiedRequest = { method, target, fields, address, scheme, host };
    try {
      const response = await this.#exchange(
        proxied,
        body === null ? undefined : Readable.from(body),
        request.signal,
        more,
        headTimeoutMs,
      );
      const answer = fieldsForClient(response, this.#upstream, this.#prefix);
      const length = lengthOf(answer);
      return {
        head: new ResponseHead(response.statusCode!, answer.flat()),
        body: bodyless(method, response.statusCode!)
          ? dropped(response)
          : { kind: "stream", length, chunks: response as AsyncIterable<Uint8Array> },
      };
    } catch (error) {
      return failure(error);
    }
  }

  /** For `node:http`: a listener's work. */
  async serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController();
    outgoing.once("close", () => outgoing.writableFinished || gone.abort());
    const { method = "GET", url: target = "/", rawHeaders: fields, headers, socket } = incoming;
    const scheme = "encrypted" in socket ? "https" : "http";
    const address = (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
    const proxied: ProxiedRequest = { method, target, fields, address, scheme, host: headers.host ?? "" };
    const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
    try {
      const response = await this.#exchange(proxied, hasBody ? incoming : undefined, gone.signal);
      const answer = fieldsForClient(response, this.#upstream, this.#prefix);
      outgoing.writeHead(response.statusCode!, answer.flat());
      await pipeline(response, outgoing);
    } catch (error) {
      if (outgoing.headersSent || outgoing.destroyed) {
        outgoing.destroy();
        return;
      }
      const { head, body } =
        error instanceof CloudtermError
          ? failure(error)
          : text("the request cannot be passed on\n", { status: 500 });
      outgoing.writeHead(head.status, [...head.fields]);
      outgoing.end(body.kind === "bytes" ? body.bytes : undefined);
    }
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_UPSTREAM`, `TZ_CLOUDTERM_REQUEST` */
  async #exchange(
    request: ProxiedRequest,
    body: Readable | undefined,
    signal: AbortSignal,
    more: readonly (readonly [string, string])[] = [],
    headTimeoutMs?: number,
  ): Promise<IncomingMessage> {
    const asked = [request, body, signal, more, headTimeoutMs] as const;
    try {
      return await this.#ask(this.#agent, ...asked);
    } catch (error) {
      // The upstream closed an idle connection just when it was used again (RFC 9112 §9.3.1): nothing of it was done.
      const isStale = error instanceof CloudtermError && (error.cause as Stale | undefined)?.stale === true;
      if (!isStale || body !== undefined || signal.aborted || !REPEATABLE.has(request.method)) throw error;
      return this.#ask(false, ...asked);
    }
  }

  #ask(
    agent: HttpAgent | false,
    request: ProxiedRequest,
    body: Readable | undefined,
    signal: AbortSignal,
    more: readonly (readonly [string, string])[],
    headTimeoutMs: number | undefined,
  ): Promise<IncomingMessage> {
    const { secure, host, port } = this.#upstream;
    const { answerTimeoutMs } = this.#limits;
    // RFC 9110 §9.3.8: what comes back is what was sent, the upstream's own credentials among it.
    if (NOT_PASSED.has(request.method))
      throw new CloudtermError("TZ_CLOUDTERM_REQUEST", `${request.method} is not passed on`);
    const headers = [
      ...fieldsForUpstream(request, this.#upstream),
      ...(this.#options.fields ?? []),
      ...more,
    ].flat();
    if (body !== undefined && !headers.some((name) => name.toLowerCase() === "content-length")) {
      headers.push("Transfer-Encoding", "chunked");
    }
    const options = {
      host,
      port,
      method: request.method,
      path: this.#pathOf(request.target),
      headers,
      agent,
      lookup: this.#guard.lookup,
      signal,
    };
    return new Promise((resolve, reject) => {
      const outgoing = secure ? httpsRequest({ ...this.#options.tls, ...options }) : httpRequest(options);
      const late = (ms: number) =>
        void outgoing.destroy(new Error(`the upstream did not answer within ${ms} ms`));
      outgoing.setTimeout(answerTimeoutMs, () => late(answerTimeoutMs));
      if (headTimeoutMs !== undefined) {
        const timer = setTimeout(() => late(headTimeoutMs), headTimeoutMs);
        outgoing.once("response", () => clearTimeout(timer));
        outgoing.once("close", () => clearTimeout(timer));
      }
      let readBefore = 0;
      outgoing.once("socket", ({ bytesRead }) => {
        readBefore = bytesRead;
      });
      outgoing.on("response", (response) => {
        const wrong = unfit(response);
        if (wrong === undefined) {
          resolve(response);
          return;
        }
        response.on("error", () => {});
        outgoing.destroy();
        reject(new CloudtermError("TZ_CLOUDTERM_UPSTREAM", wrong));
      });
      outgoing.on("upgrade", (_response, socket) => {
        socket.destroy();
        reject(new CloudtermError("TZ_CLOUDTERM_UPSTREAM", "the upstream switched to another protocol"));
      });
      outgoing.on("error", (cause: NodeJS.ErrnoException) => {
        const code = cause.code === undefined ? "" : ` (${cause.code})`;
        const isLate = cause.message.includes("did not answer");
        const message = isLate ? cause.message : `the upstream cannot be reached${code}`;
        const isUnanswered = outgoing.socket === null || outgoing.socket.bytesRead === readBefore;
        const isBroken = cause.code === "ECONNRESET" || cause.code === "EPIPE";
        const stale = outgoing.reusedSocket && isBroken && isUnanswered;
        reject(
          new CloudtermError("TZ_CLOUDTERM_UPSTREAM", message, { cause: Object.assign(cause, { stale }) }),
        );
      });
      if (body === undefined) outgoing.end();
      else pipeline(body, outgoing).catch(() => outgoing.destroy());
    });
  }

  /**
   * What the upstream sees of a target.
   * @throws CloudtermError `TZ_CLOUDTERM_REQUEST` for one that is outside of the prefix
   */
  targetOf(target: string): string {
    return this.#pathOf(target);
  }

  #pathOf(target: string): string {
    const base = this.#upstream.path.replace(/\/$/, "");
    if (target !== this.#prefix && !/^[/?]/.test(target.slice(this.#prefix.length))) throw outside(target);
    if (!target.startsWith(this.#prefix)) throw outside(target);
    const rest = target.slice(this.#prefix.length);
    // Whoever reads it on the other side would leave the upstream's path.
    if (rest.includes("#") || DOT_SEGMENT.test(rest.split("?", 1)[0]!)) throw outside(target);
    return `${base}${rest.startsWith("/") ? rest : `/${rest}`}`;
  }
}

function outside(target: string): CloudtermError {
  return new CloudtermError("TZ_CLOUDTERM_REQUEST", `${shown(target)} is outside of the proxy's prefix`);
}

function lengthOf(fields: readonly (readonly [string, string])[]): number | undefined {
  const value = fields.find(([name]) => name.toLowerCase() === "content-length")?.[1];
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** Why an answer cannot be passed on, in words. */
function unfit({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  // RFC 9110 §15: a client would take it for one of 500; 101 would leave it with a protocol that nobody speaks.
  if (statusCode < 200 || statusCode > 599)
    return `the upstream answered ${statusCode}, which is no final answer`;
  const coding = headers["transfer-encoding"];
  // What is taken off is chunked alone: another coding would be lost, and with it the body's meaning.
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked")
    return "the upstream's answer has a transfer coding that is not known";
  return undefined;
}

function bodyless(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}

function dropped(response: IncomingMessage): { readonly kind: "none" } {
  response.resume();
  return { kind: "none" };
}

function failure(error: unknown): ResponsePlan {
  if (!(error instanceof CloudtermError)) throw error;
  const status = error.message.includes("did not answer") ? 504 : (error.status ?? 502);
  return text(`${error.message}\n`, { status });
}
