import { X509Certificate } from "node:crypto";
import { Readable } from "node:stream";
import type { FieldId, PlanRequest, RequestHead } from "@tz/http1";
import { codingsOf, decoded } from "./body/content-coding.js";
import { type MultipartForm, type MultipartOptions, readMultipart, removeUploads } from "./body/multipart.js";
import type { RequestBody } from "./body/request-body.js";
import { parseCookies } from "./cookies/cookies.js";
import { ServerError } from "./errors.js";
import type { DeferredTask } from "./handlers/defer-queue.js";
import { type Dependency, DependencyValues } from "./handlers/dependency.js";
import type { RequestClient } from "./handlers/request-client.js";
import { type ClientOrigin, clientOrigin } from "./proxies/forwarded.js";
import type { ServerCore } from "./server-core.js";

/** No route has matched. */
const NO_PARAMS: Readonly<Record<string, never>> = Object.freeze(Object.create(null));

/** What few requests need: made when it is asked for. */
class Extras {
  abort: AbortController | undefined;
  values: DependencyValues | undefined;
  ends: (() => void)[] | undefined;
}

/**
 * A request as a handler sees it.
 *
 * It is valid until its handler has answered: a handler that answers at once gives it back with the answer, one
 * that returns a promise or a stream may keep it for good. {@link keep} keeps it in the first case too.
 */
export class ServerRequest<Params = Readonly<Record<string, unknown>>, Valid = undefined> {
  /** The head lies in the receive memory until it is kept; `undefined` when it was given back. */
  #head: RequestHead | undefined;
  readonly #headBytes: number;
  #kept = false;
  /** The request body as it is sent; `null` when the request has none. */
  readonly body: RequestBody | null;
  /** What the route's pattern captured, percent-decoded once and in its type: `/users/:id(int)` → `{ id: 42 }`. */
  readonly params: Params;
  /** What the route's schemas made of the request; `undefined` on routes without a schema. */
  readonly valid: Valid = undefined as Valid;
  /** The pattern of the route that answers; `undefined` for mounts and the handler. */
  readonly route: string | undefined;
  readonly #client: RequestClient;
  readonly #core: ServerCore;
  #extras: Extras | undefined;

  /** @internal */
  constructor(
    core: ServerCore,
    head: RequestHead,
    headBytes: number,
    body: RequestBody | null,
    client: RequestClient,
    params: Params | undefined,
    route: string | undefined,
  ) {
    this.#core = core;
    this.#head = head;
    this.#headBytes = headBytes;
    this.body = body;
    this.#client = client;
    this.params = params ?? (NO_PARAMS as Params);
    this.route = route;
  }

  /**
   * Makes the request outlive the synchronous answer of its handler. Not needed where the handler returns a promise
   * or a stream.
   * @throws ServerError `TZ_SERVER_REQUEST_OVER`
   */
  keep(): this {
    const head = this.#live();
    if (!this.#kept) {
      this.#kept = true;
      this.#core.lend(head, this.#headBytes);
    }
    return this;
  }

  /** @internal The answer is there and was made without a promise: the head's bytes are about to be overwritten. */
  giveBack(): void {
    if (!this.#kept) this.#head = undefined;
  }

  /** @internal What must happen when the answer has left or cannot any more. */
  get ends(): readonly (() => void)[] | undefined {
    return this.#extras?.ends;
  }

  #live(): RequestHead {
    const head = this.#head;
    if (head === undefined) {
      throw new ServerError(
        "TZ_SERVER_REQUEST_OVER",
        "the handler has answered: a request that is used later must be kept by request.keep()",
      );
    }
    return head;
  }

  #more(): Extras {
    this.#extras ??= new Extras();
    return this.#extras;
  }

  /**
   * Aborts when the client goes away before the answer is complete, or when the route's `timeoutMs` is over. A client
   * that only ends its side (FIN) counts as gone here, as it does in Node and Go; an answer still reaches it.
   */
  get signal(): AbortSignal {
    return this.#controller().signal;
  }

  /** @internal */
  get sender(): RequestClient {
    return this.#client;
  }

  /** @internal The loop's clock. */
  get nowMs(): number {
    return this.#core.loop.nowMs;
  }

  /** @internal Aborts the request's signal. */
  abort(reason: unknown): void {
    this.#controller().abort(reason);
  }

  #controller(): AbortController {
    const extras = this.#more();
    if (extras.abort === undefined) {
      const controller = new AbortController();
      extras.abort = controller;
      this.#client.onGone(() =>
        controller.abort(new ServerError("TZ_SERVER_CLIENT_GONE", "the client went away")),
      );
    }
    return extras.abort;
  }

  /**
   * Runs a task after the answer: it does not delay it, and the server's stop waits for it.
   * @throws ServerError `TZ_SERVER_DEFER_FULL` (answered 503 when the handler lets it through)
   */
  defer(task: DeferredTask): void {
    this.#core.deferred.add(task);
    this.keep();
  }

  /** The value of a dependency: made on the first call, the same for the rest of its scope. */
  use<Value>(dependency: Dependency<Value>): Value {
    const self = this as unknown as ServerRequest;
    if (dependency.scope === "worker") return this.#core.values.get(dependency, self);
    const extras = this.#more();
    if (extras.values === undefined) {
      const values = new DependencyValues();
      extras.values = values;
      this.onEnd(() => {
        this.#core.deferred.hold(values.dispose((error) => this.#core.reportError(error)));
      });
    }
    return extras.values.get(dependency, self);
  }

  /** Calls when the answer has left, failed, or cannot be sent any more; the last that was added is called first. */
  onEnd(listener: () => void): void {
    const extras = this.#more();
    extras.ends ??= [];
    extras.ends.push(listener);
  }

  /** The request as a mount takes it: `mount.plan(request.head)` hands it on. */
  get head(): PlanRequest {
    return this.#live();
  }

  /**
   * Who sent the request: the peer, or what trusted proxies say of the client (`trustedProxies`, `forwardedBy`,
   * `proxyProtocol`).
   */
  get client(): ClientOrigin {
    const { options, trusted } = this.#core;
    const { remoteAddress, scheme } = this.#client;
    const peer = { address: remoteAddress, scheme, host: this.#live().authority };
    return trusted === undefined ? peer : clientOrigin(peer, this, options.forwardedBy, trusted);
  }

  /** The certificate that the client has shown and that was verified (`tls.clientCertificate`). */
  get certificate(): X509Certificate | undefined {
    const der = this.#client.peerCertificate;
    return der === undefined ? undefined : new X509Certificate(der);
  }

  /** The cookies that came, by name; see {@link parseCookies}. */
  get cookies(): Readonly<Record<string, string>> {
    return parseCookies(this.field("cookie"));
  }

  /** Address of the peer; empty for Unix sockets. */
  get remoteAddress(): string {
    return this.#client.remoteAddress;
  }

  get method(): string {
    return this.#live().method;
  }

  get target(): string {
    return this.#live().target;
  }

  /** The target without its query. */
  get path(): string {
    const { target } = this.#live();
    const query = target.indexOf("?");
    return query < 0 ? target : target.slice(0, query);
  }

  /** The query as WHATWG URL parameters. */
  get query(): URLSearchParams {
    const { target } = this.#live();
    const query = target.indexOf("?");
    return new URLSearchParams(query < 0 ? "" : target.slice(query + 1));
  }

  get minorVersion(): number {
    return this.#live().minorVersion;
  }

  get fieldMask(): number {
    return this.#live().fieldMask;
  }

  /** The client asks to change the protocol (`Upgrade` and `Connection: upgrade`). */
  get upgrade(): boolean {
    return this.#live().upgrade;
  }

  /** All fields by lower-case name; lines of one name are joined as in {@link field}. */
  fields(): Record<string, string> {
    const head = this.#live();
    const fields: Record<string, string> = Object.create(null);
    for (let i = 0; i < head.fieldCount; i++) {
      const name = head.fieldName(i).toLowerCase();
      if (fields[name] === undefined) fields[name] = head.field(name)!;
    }
    return fields;
  }

  /** The media type of `Content-Type` in lower case, without its parameters; empty when there is none. */
  get mediaType(): string {
    const type = this.field("content-type") ?? "";
    const end = type.indexOf(";");
    return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
  }

  field(name: FieldId | string): string | undefined {
    return this.#live().field(name);
  }

  /** The `id` of the last event that a client has which connects to `sse()` again (`Last-Event-ID`, UTF-8). */
  get lastEventId(): string | undefined {
    const field = this.field("last-event-id");
    return field === undefined ? undefined : Buffer.from(field, "latin1").toString("utf8");
  }

  /**
   * The body in pieces as they come, its content coding (gzip, br, deflate) taken off.
   * @throws ServerError `TZ_SERVER_BODY_CODING`; otherwise as {@link bytes}
   */
  content(): AsyncIterable<Uint8Array> {
    const { body } = this;
    if (body === null) return Readable.from([]);
    const codings = codingsOf(this.field("content-encoding"));
    return codings.length === 0 ? body : decoded(body, codings, body.maxBytes);
  }

  /**
   * The whole body, its content coding taken off; empty when there is none.
   * @throws ServerError `TZ_SERVER_BODY_TOO_LARGE` also for decoded content beyond `maxBodyBytes`,
   *   `TZ_SERVER_BODY_CODING`; otherwise as `RequestBody.bytes`
   */
  async bytes(): Promise<Uint8Array> {
    const { body } = this;
    if (body === null) return new Uint8Array(0);
    const content = this.content();
    if (content === body) return body.bytes();
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /**
   * The whole body without waiting: when it came together with the head, as small bodies do, and has no content coding.
   * A handler that takes it so can answer at once; `undefined` says that {@link bytes} must be awaited.
   * @throws ServerError as {@link bytes}
   */
  bytesNow(): Uint8Array | undefined {
    const { body } = this;
    if (body === null) return new Uint8Array(0);
    return this.field("content-encoding") === undefined ? body.bytesNow() : undefined;
  }

  /** The body as UTF-8 text. Throws as {@link bytes}. */
  async text(): Promise<string> {
    return this.body === null ? "" : Buffer.from(await this.bytes()).toString("utf8");
  }

  /**
   * The body as a form with files (`multipart/form-data`): files are written to disk as they come, and removed when the
   * request ends.
   * @throws ServerError `TZ_SERVER_BODY_TYPE`, `TZ_SERVER_BODY_TOO_LARGE`, `TZ_SERVER_BODY_INVALID`, `TZ_SERVER_OPTION`;
   *   otherwise as {@link bytes}
   */
  async multipart(options: MultipartOptions = {}): Promise<MultipartForm> {
    if (this.mediaType !== "multipart/form-data") throw this.#wrongType("multipart/form-data");
    return readMultipart(this.content(), this.field("content-type")!, options, (directory) => {
      this.onEnd(() => {
        const { deferred } = this.#core;
        deferred.hold(removeUploads(directory).catch((error: unknown) => this.#core.reportError(error)));
      });
    });
  }

  #wrongType(wanted: string): ServerError {
    const type = this.mediaType || "of no type";
    return new ServerError("TZ_SERVER_BODY_TYPE", `the body is ${type}, not ${wanted}`, {
      fields: ["Accept", wanted],
    });
  }

  /**
   * The body as a form (`application/x-www-form-urlencoded`).
   * @throws ServerError `TZ_SERVER_BODY_TYPE` for another type; otherwise as `RequestBody.bytes`
   */
  async form(): Promise<URLSearchParams> {
    const type = "application/x-www-form-urlencoded";
    if (this.mediaType !== type) throw this.#wrongType(type);
    return new URLSearchParams(await this.text());
  }

  /**
   * The body as JSON.
   * @throws SyntaxError with `status` 400 when it is none; otherwise as `RequestBody.bytes`
   */
  async json(): Promise<unknown> {
    const text = await this.text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw Object.assign(error as SyntaxError, { status: 400 });
    }
  }
}
