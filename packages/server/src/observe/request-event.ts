import type { RequestHead } from "@tz/http1";
import { ServerError } from "../errors.js";
import type { RequestClient } from "../handlers/request-client.js";
import { clientOrigin } from "../proxies/forwarded.js";
import type { ServerCore } from "../server-core.js";
import { requestEnd, requestError, requestStart } from "./request-channels.js";

/** Calls what it is given, within something. */
export type Around = <Result>(call: () => Result) => Result;

/**
 * What `tz:server:request:start`, `:error` and `:end` of `node:diagnostics_channel` say of one request: the same object
 * three times, so a subscriber may keep what it knows of a request in a `WeakMap`.
 */
export class RequestEvent {
  readonly method: string;
  /** As it was sent, with its query. */
  readonly target: string;
  readonly scheme: "http" | "https";
  /** Of `Host` or `:authority`, with its port if there is one. */
  readonly host: string;
  readonly httpVersion: "1.0" | "1.1" | "2";
  /** Who sent it, with `trustedProxies` who they say it is. */
  readonly clientAddress: string;
  /** The other end of the connection. */
  readonly peerAddress: string;
  readonly peerPort: number;
  /** The pattern of the route that answers, or `PREFIX/*` of a mount: known when the answer is. */
  route: string | undefined;
  /** Known when the answer has begun. */
  status: number | undefined;
  /** Of the answer; unknown until its beginning, and for streams without a length. */
  bodyBytes: number | undefined;
  /** From the loop turn that read the request to the last byte of its answer given to the kernel: in `:end`. */
  durationMs: number | undefined;
  /** The client left before its answer was complete. */
  aborted = false;
  /** What was thrown, from `:error` on; the first, if there was more. */
  error: unknown;
  #head: RequestHead | undefined;
  #arounds: Around[] = [];
  readonly #startMs: number;

  /** @internal */
  constructor(core: ServerCore, head: RequestHead, client: RequestClient, isHttp2: boolean) {
    const { trusted, options, loop } = core;
    const { remoteAddress, remotePort, scheme } = client;
    const peer = { address: remoteAddress, scheme, host: head.authority };
    const origin = trusted === undefined ? peer : clientOrigin(peer, head, options.forwardedBy, trusted);
    this.method = head.method;
    this.target = head.target;
    this.scheme = origin.scheme;
    this.host = origin.host;
    this.httpVersion = isHttp2 ? "2" : head.minorVersion === 0 ? "1.0" : "1.1";
    this.clientAddress = origin.address;
    this.peerAddress = remoteAddress;
    this.peerPort = remotePort;
    this.#head = head;
    this.#startMs = loop.nowMs;
  }

  /**
   * A field of the request, lines of one name joined. To be asked while `:start` is published.
   * @throws ServerError `TZ_SERVER_REQUEST_OVER` later
   */
  field(name: string): string | undefined {
    return this.#live().field(name);
  }

  /** Names of the request's fields in lower case, each once. As {@link field}. */
  fieldNames(): string[] {
    const head = this.#live();
    const names = Array.from({ length: head.fieldCount }, (_, i) => head.fieldName(i).toLowerCase());
    return [...new Set(names)];
  }

  #live(): RequestHead {
    if (this.#head === undefined) {
      throw new ServerError(
        "TZ_SERVER_REQUEST_OVER",
        "the fields of a request can be read while tz:server:request:start is published",
      );
    }
    return this.#head;
  }

  /**
   * Makes the answer within a call of `around`, which must call what it is given, at once: for contexts that are no
   * `AsyncLocalStorage` of their own (those have `bindStore`). To be used while `:start` is published.
   */
  around(around: Around): void {
    this.#arounds.push(around);
  }

  /** @internal */
  run<Result>(answer: () => Result): Result {
    return requestStart.runStores(this, () => {
      this.#head = undefined;
      let call = answer;
      for (const around of this.#arounds) {
        const inner = call;
        call = () => around(inner);
      }
      this.#arounds = [];
      return call();
    });
  }

  /** @internal */
  failed(error: unknown): void {
    this.error ??= error;
    requestError.publish(this);
  }

  /** @internal */
  end(nowMs: number, aborted: boolean): void {
    this.durationMs = Math.max(0, nowMs - this.#startMs);
    this.aborted = aborted;
    requestEnd.publish(this);
  }
}
