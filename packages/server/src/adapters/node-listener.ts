import { read } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { type FileSegment, httpDate, parseErrorOf, REASON_PHRASES, type ResponsePlan } from "@tz/http1";
import { type App, coreOf } from "../app.js";
import { type BodySource, RequestBody } from "../body/request-body.js";
import { ServerError } from "../errors.js";
import type { RequestClient } from "../handlers/request-client.js";
import { errorPlan } from "../response/error-plan.js";
import { type StreamSink, sendStream } from "../response/stream-sender.js";

const readFile = promisify(read);
const FILE_CHUNK_BYTES = 256 * 1024;

/**
 * A listener for `http.createServer()` and `https.createServer()` that answers by the app: same routes, mounts, hooks
 * and answers, on sockets that Node owns.
 *
 * ```js
 * http.createServer(toNodeListener(app)).listen(8080);
 * ```
 *
 * Node's own parser and timeouts stand in front; `PROXY` headers and WebSocket routes need the app's own `listen`.
 */
export function toNodeListener(app: App): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const core = coreOf(app);
  return (incoming, outgoing) => {
    // The head is written out and read by the app's own parser: one set of rules for what is a request.
    const text = headText(incoming);
    const { memory } = core.loop;
    if (Buffer.byteLength(text, "latin1") > memory.receiveBytes) {
      void send(errorPlan(431, true), incoming, outgoing);
      return;
    }
    core.loop.refreshClock();
    const { head } = core;
    const start = memory.receiveStart;
    const used = head.parse(start, start + memory.buffer.write(text, start, "latin1"));
    if (used <= 0) {
      void send(errorPlan(used === 0 ? 400 : parseErrorOf(used).status, true), incoming, outgoing);
      return;
    }
    const client = new NodeClient(incoming, outgoing);
    let body: RequestBody | null = null;
    if (head.chunked || head.contentLength > 0) {
      // Node takes the chunked coding off: what comes is the content, until it ends.
      const length = head.chunked ? Number.POSITIVE_INFINITY : head.contentLength;
      body = new RequestBody(new NodeBodySource(incoming), length, core.options.maxBodyBytes, false);
      feed(incoming, body);
    }
    let answer: ResponsePlan | Promise<ResponsePlan>;
    try {
      answer = core.answer(head, used, body, client);
    } catch (error) {
      answer = core.failed(error);
    }
    if (!(answer instanceof Promise)) {
      void send(answer, incoming, outgoing);
      return;
    }
    answer.then(
      (plan) => send(plan, incoming, outgoing),
      (error: unknown) => send(core.failed(error), incoming, outgoing),
    );
  };
}

/** Fields that say how Node framed the body are passed on; so that a head means the same twice. */
function headText({ method, url, rawHeaders, httpVersion }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion === "1.0" ? "1.0" : "1.1"}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return `${text}\r\n`;
}

class NodeClient implements RequestClient {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  get remoteAddress(): string {
    return this.#incoming.socket.remoteAddress ?? "";
  }

  get remotePort(): number {
    return this.#incoming.socket.remotePort ?? 0;
  }

  get scheme(): "http" | "https" {
    return "encrypted" in this.#incoming.socket ? "https" : "http";
  }

  get peerCertificate(): Uint8Array | undefined {
    const { socket } = this.#incoming;
    return socket instanceof TLSSocket && socket.authorized
      ? socket.getPeerX509Certificate()?.raw
      : undefined;
  }

  onGone(listener: () => void): void {
    const outgoing = this.#outgoing;
    if (outgoing.closed) listener();
    else outgoing.once("close", () => outgoing.writableFinished || listener());
  }
}

class NodeBodySource implements BodySource {
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
  }

  onBodyWanted(): void {
    this.#incoming.resume();
  }

  /** Node has sent it. */
  sendContinue(): void {}
}

function feed(incoming: IncomingMessage, body: RequestBody): void {
  incoming.on("data", (chunk: Buffer) => {
    const taken = body.feed(chunk, 0, chunk.byteLength);
    if (taken === chunk.byteLength || body.error !== null) return;
    // The reader is behind: the rest waits in Node's stream.
    incoming.pause();
    incoming.unshift(chunk.subarray(taken));
  });
  incoming.on("end", () => body.end());
  incoming.on("close", () =>
    body.fail(
      new ServerError("TZ_SERVER_BODY_ABORTED", "the client went away before the end of the request body"),
    ),
  );
  incoming.on("error", () => {});
}

/** Carries a plan out on Node's response. Never rejects: what fails ends the connection. */
async function send(plan: ResponsePlan, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  try {
    const { head, body } = plan;
    if (plan.upgrade !== undefined) {
      outgoing.writeHead(501).end();
      return;
    }
    const fields = [...head.fields, "Date", httpDate(Date.now())];
    // A body that was not read cannot be told from the next request.
    if (plan.close === true || !incoming.complete) fields.push("Connection", "close");
    outgoing.sendDate = false;
    outgoing.writeHead(head.status, REASON_PHRASES[head.status] ?? "", fields);
    if (incoming.method === "HEAD" || body.kind === "none" || head.status === 204 || head.status === 304) {
      if (body.kind === "stream") void body.chunks[Symbol.asyncIterator]().return?.();
      outgoing.end();
    } else if (body.kind === "bytes") {
      outgoing.end(body.bytes);
      await finished(outgoing);
    } else if (body.kind === "segments") {
      for (const segment of body.segments) await sendSegment(segment, outgoing);
      outgoing.end();
    } else {
      const sink = new ResponseSink(outgoing);
      if (await sendStream(sink, body.chunks, body.length, false)) outgoing.end();
      else outgoing.destroy();
    }
  } catch {
    outgoing.destroy();
  } finally {
    plan.release?.();
  }
}

async function sendSegment(segment: Uint8Array | FileSegment, outgoing: ServerResponse): Promise<void> {
  const sink = new ResponseSink(outgoing);
  if (segment instanceof Uint8Array) {
    if (sink.push(segment)) await sink.drained();
    return;
  }
  const { file, offset, length } = segment;
  for (let at = 0; at < length && !sink.gone; ) {
    if (at > 0 && file.isUnchanged?.() === false) throw new Error("the file changed while it was sent");
    const chunk = Buffer.allocUnsafe(Math.min(FILE_CHUNK_BYTES, length - at));
    const { bytesRead } = await readFile(file.fd, chunk, 0, chunk.byteLength, offset + at);
    if (bytesRead === 0) throw new Error("the file ended before its promised length");
    at += bytesRead;
    if (sink.push(chunk.subarray(0, bytesRead))) await sink.drained();
  }
}

class ResponseSink implements StreamSink {
  readonly #outgoing: ServerResponse;
  #whenGone: (() => void) | undefined;

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing;
  }

  get gone(): boolean {
    return this.#outgoing.destroyed;
  }

  push(bytes: Uint8Array): boolean {
    return !this.#outgoing.write(bytes);
  }

  whenGone(listener: () => void): void {
    if (this.gone) {
      listener();
      return;
    }
    if (this.#whenGone === undefined) this.#outgoing.once("close", () => this.#whenGone?.());
    this.#whenGone = listener;
  }

  drained(): Promise<void> {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || !outgoing.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        outgoing.off("drain", done).off("close", done);
        resolve();
      };
      outgoing.on("drain", done).on("close", done);
    });
  }
}

/** The bytes are Node's until then: their owner may reuse them only afterwards. */
function finished(outgoing: ServerResponse): Promise<void> {
  if (outgoing.writableFinished || outgoing.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    outgoing.once("finish", resolve).once("close", resolve);
  });
}
