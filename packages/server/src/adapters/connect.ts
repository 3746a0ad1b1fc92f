import { IncomingMessage, ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { HeadWriteError, ResponseHead, type ResponsePlan } from "@tz/http1";
import { ServerError } from "../errors.js";
import type { Middleware } from "../handlers/hooks.js";
import type { ServerRequest } from "../request.js";
import { fieldIn } from "../response/field-list.js";
import { asksToClose } from "../response/framed-plan.js";

/** Middleware of Connect and Express, and their apps. */
export type ConnectMiddleware = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

/** Fields that the server itself writes. */
const OWN_FIELDS = new Set(["connection", "keep-alive", "transfer-encoding"]);
const HEAD_END = "\r\n\r\n";
/** Of up to 2^53 - 1. */
const LENGTH = /^\d{1,15}$/;

/**
 * Runs Connect middleware, or a whole Express app, as middleware of this server: it gets Node's own request and
 * response objects, on a socket that goes nowhere. When it calls `next()`, what follows answers, with the fields that
 * were set so far.
 *
 * ```js
 * app.use(connect(helmet()));
 * app.use(connect(expressApp));   // what Express does not answer goes on to the routes
 * ```
 *
 * It costs what Node's objects cost, several times a handler of this server.
 */
export function connect(middleware: ConnectMiddleware): Middleware {
  return (request, next) => {
    request.keep();
    return new Promise<ResponsePlan>((resolve, reject) => {
      const socket = new ExchangeSocket(request, resolve, reject);
      const incoming = incomingOf(request, socket);
      const outgoing = outgoingOf(incoming, socket);
      outgoing.on("finish", () => socket.finish());
      socket.on("timeout", () => {
        // As in Node's own server: who listens decides, without a listener it is over.
        const isResponses = outgoing.emit("timeout", socket);
        const isHandled = incoming.emit("timeout", socket) || isResponses;
        if (!isHandled && socket.listenerCount("timeout") === 1) socket.destroy();
      });
      request.signal.addEventListener("abort", () => {
        incoming.destroy();
        outgoing.destroy();
        socket.destroy();
      });
      const goOn = (error?: unknown): void => {
        if (error !== undefined && error !== null && error !== "route" && error !== "router") {
          reject(error as Error);
          return;
        }
        const set = flat(outgoing);
        next().then((plan) => resolve(set.length === 0 ? plan : withFields(plan, set)), reject);
      };
      try {
        const result = middleware(incoming, outgoing, goOn);
        if (result instanceof Promise) result.catch(reject);
      } catch (error) {
        reject(error as Error);
      }
    });
  };
}

function incomingOf(request: ServerRequest, socket: ExchangeSocket): IncomingMessage {
  const incoming = new IncomingMessage(socket as never);
  incoming.method = request.method;
  incoming.url = request.target;
  incoming.httpVersion = `1.${request.minorVersion}`;
  incoming.httpVersionMajor = 1;
  incoming.httpVersionMinor = request.minorVersion;
  incoming.headers = Object.assign({}, request.fields());
  for (const [name, value] of Object.entries(incoming.headers)) incoming.rawHeaders.push(name, String(value));
  const { body } = request;
  if (body === null) {
    incoming.complete = true;
    incoming.push(null);
    return incoming;
  }
  const chunks = body[Symbol.asyncIterator]();
  let pulling = false;
  const pull = (): void => {
    if (pulling) return;
    pulling = true;
    chunks.next().then(
      ({ done, value }) => {
        pulling = false;
        if (done === true) incoming.complete = true;
        // Node's own parser pushes unasked, so that this stream does not ask again while it flows.
        if (incoming.push(done === true ? null : value)) pull();
      },
      (error: Error) => incoming.destroy(error),
    );
  };
  incoming._read = pull;
  return incoming;
}

const WITHOUT_CONTENT = new Set([204, 304]);
/** The server frames the content: Node would put its chunks into ours. Trailers do not pass. */
const NOT_PASSED = ["transfer-encoding", "trailer"];

/** The fields that `writeHead` was given, an object or a list, without those that do not pass. */
function withoutFraming(given: unknown): unknown {
  if (typeof given !== "object" || given === null) return given;
  const passes = (name: unknown): boolean => !NOT_PASSED.includes(String(name).toLowerCase());
  if (!Array.isArray(given))
    return Object.fromEntries(Object.entries(given).filter(([name]) => passes(name)));
  if (given.every(Array.isArray)) return given.filter(([name]) => passes(name));
  return given.filter((_, i) => passes(given[i - (i % 2)]));
}

/** Express gives the response another prototype: what differs from Node's has to be its own. */
function outgoingOf(incoming: IncomingMessage, socket: ExchangeSocket): ServerResponse {
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  // The server says it, unless the app does.
  outgoing.sendDate = false;
  outgoing.useChunkedEncodingByDefault = false;
  outgoing.assignSocket(socket as unknown as NonNullable<ServerResponse["socket"]>);
  // So that Node says nothing of the connection but what the app does.
  outgoing.removeHeader("connection");
  outgoing.addTrailers = () => {};
  const writeHead = outgoing.writeHead as (...given: unknown[]) => ServerResponse;
  outgoing.writeHead = (...given: unknown[]) => {
    for (const name of NOT_PASSED) outgoing.removeHeader(name);
    return writeHead.apply(outgoing, given.map(withoutFraming));
  };
  // What is whole has a length, as on Node's own connections.
  const end = outgoing.end as (...given: unknown[]) => ServerResponse;
  outgoing.end = (...given: unknown[]) => {
    const [content, encoding] = given;
    const isFramed = outgoing.hasHeader("content-length");
    const mayHave = incoming.method !== "HEAD" && !WITHOUT_CONTENT.has(outgoing.statusCode);
    if (!outgoing.headersSent && !isFramed && mayHave) {
      const length = lengthOf(content, encoding);
      if (length !== undefined) outgoing.setHeader("Content-Length", length);
    }
    return end.apply(outgoing, given);
  };
  return outgoing;
}

function lengthOf(content: unknown, encoding: unknown): number | undefined {
  if (content === undefined || content === null || typeof content === "function") return 0;
  if (content instanceof Uint8Array) return content.byteLength;
  if (typeof content !== "string") return undefined;
  return Buffer.byteLength(content, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
}

/** The socket that a `ServerResponse` writes to: the head becomes a plan's head, what follows its stream. */
class ExchangeSocket extends Duplex {
  readonly encrypted: boolean;
  readonly remoteAddress: string;
  readonly remotePort = 0;
  readonly #resolve: (plan: ResponsePlan) => void;
  readonly #reject: (error: Error) => void;
  #head = "";
  #begun = false;
  #chunks: Uint8Array[] = [];
  #written: (() => void) | null = null;
  #ended = false;
  /** The response was given up: what was sent of it must not look whole. */
  #failure: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | null = null;

  constructor(request: ServerRequest, resolve: (plan: ResponsePlan) => void, reject: (error: Error) => void) {
    super();
    const { address, scheme } = request.client;
    this.remoteAddress = address;
    this.encrypted = scheme === "https";
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Tells of silence, as `net.Socket` does. */
  setTimeout(delayMs: number, callback?: () => void): this {
    clearTimeout(this.#timer);
    this.#timer = delayMs > 0 ? setTimeout(() => this.emit("timeout"), delayMs).unref() : undefined;
    if (callback !== undefined) {
      if (delayMs > 0) this.once("timeout", callback);
      else this.off("timeout", callback);
    }
    return this;
  }

  // What handlers of event streams ask of a socket is done by the server, or left to it.
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, written: () => void): void {
    this.#timer?.refresh();
    if (this.#begun) {
      this.#give(chunk, written);
      return;
    }
    this.#head += chunk.toString("latin1");
    for (;;) {
      const end = this.#head.indexOf(HEAD_END);
      if (end < 0) break;
      const rest = Buffer.from(this.#head.slice(end + HEAD_END.length), "latin1");
      const text = this.#head.slice(0, end);
      const status = Number(text.slice(9, 12));
      this.#head = rest.toString("latin1");
      // 1xx: hints that go before the answer.
      if (status < 200) continue;
      this.#begin(status, text);
      if (rest.byteLength > 0) {
        this.#give(rest, written);
        return;
      }
      break;
    }
    written();
  }

  /** The response is complete. */
  finish(): void {
    this.#ended = true;
    if (!this.#begun) {
      this.#reject(
        new HeadWriteError(
          "TZ_HTTP1_WRITE_STATUS",
          "The middleware ended its answer with an interim status (1xx); allowed: 200 to 599",
        ),
      );
    }
    clearTimeout(this.#timer);
    this.#wake?.();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    const failure = error ?? new ServerError("TZ_SERVER_CLIENT_GONE", "the exchange was destroyed");
    if (!this.#ended) this.#failure = failure;
    this.#ended = true;
    this.#chunks = [];
    this.#reject(failure);
    this.#written?.();
    this.#wake?.();
    done(null);
  }

  #begin(status: number, text: string): void {
    this.#begun = true;
    const fields: string[] = [];
    let length: number | undefined;
    let close = false;
    for (const line of text.split("\r\n").slice(1)) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon);
      const value = line.slice(colon + 1).trim();
      const known = name.toLowerCase();
      if (known === "connection") close ||= asksToClose(value);
      if (OWN_FIELDS.has(known)) continue;
      // What is no length is the server's to mend.
      if (known === "content-length") length = LENGTH.test(value) ? Number(value) : undefined;
      fields.push(name, value);
    }
    try {
      this.#resolve({
        head: new ResponseHead(status, fields),
        body: { kind: "stream", length, chunks: this.#stream() },
        ...(close && { close }),
      });
    } catch (error) {
      this.#reject(error as Error);
    }
  }

  /** One chunk at a time: the writer waits until the client has taken it. */
  #give(chunk: Buffer, written: () => void): void {
    this.#chunks.push(chunk);
    this.#written = written;
    this.#wake?.();
  }

  async *#stream(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          yield chunk;
          const written = this.#written;
          this.#written = null;
          written?.();
          continue;
        }
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    } finally {
      this.destroy();
    }
  }
}

function flat(outgoing: ServerResponse): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(outgoing.getHeaders())) {
    for (const one of Array.isArray(value) ? value : [value]) fields.push(name, String(one));
  }
  return fields;
}

/** The plan with more fields; its own win. */
function withFields(plan: ResponsePlan, fields: readonly string[]): ResponsePlan {
  const own = new Set(plan.head.fields.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  const more = fields.filter((_, i) => {
    const name = fields[i - (i % 2)]!.toLowerCase();
    return name === "set-cookie" || !(own.has(name) || OWN_FIELDS.has(name));
  });
  const head = new ResponseHead(plan.head.status, [...plan.head.fields, ...more]);
  const connection = fieldIn(fields, "connection");
  const close = connection !== undefined && asksToClose(connection) ? true : plan.close;
  // Its bytes in memory hold the old head: it goes out in parts.
  return {
    head,
    body: plan.body,
    ...(close === undefined ? {} : { close }),
    ...(plan.upgrade === undefined ? {} : { upgrade: plan.upgrade }),
    release: () => plan.release?.(),
  };
}
