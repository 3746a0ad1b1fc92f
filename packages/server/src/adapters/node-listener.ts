import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { httpDate, parseErrorOf, REASON_PHRASES, type ResponsePlan } from "@tz/http1";
import { type App, coreOf, countIn } from "../app.js";
import { feedFromStream } from "../body/feed-from-stream.js";
import { type BodySource, RequestBody } from "../body/request-body.js";
import type { RequestClient } from "../handlers/request-client.js";
import { errorPlan } from "../response/error-plan.js";
import { framedPlan } from "../response/framed-plan.js";
import { sendSegments } from "../response/segment-sender.js";
import { type StreamSink, sendStream } from "../response/stream-sender.js";
import { abandonChunks, dropPlan } from "../response/unsent-plan.js";
import type { ServerCore } from "../server-core.js";

/**
 * A listener for `http.createServer()` and `https.createServer()` that answers by the app: same routes, mounts, hooks
 * and answers, on sockets that Node owns.
 *
 * ```js
 * http.createServer(toNodeListener(app)).listen(8080);
 * ```
 *
 * With the options `stats` and `accessLog` its requests are counted and written as those of the app's own listeners;
 * bytes and connections are Node's and are not. Node's own parser and timeouts stand in front; `PROXY` headers and
 * WebSocket routes need the app's own `listen`.
 */
export function toNodeListener(app: App): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const core = coreOf(app);
  return (incoming, outgoing) => {
    countIn(app);
    const client = new NodeClient(incoming, outgoing);
    let body: RequestBody | null = null;
    const reply = (plan: ResponsePlan): void => void send(plan, incoming, outgoing, body, core, client);
    // The head is written out and read by the app's own parser: one set of rules for what is a request.
    const text = headText(incoming);
    const { memory } = core.loop;
    if (Buffer.byteLength(text, "latin1") > memory.receiveBytes) {
      reply(errorPlan(431, true));
      return;
    }
    core.loop.refreshClock();
    const { head } = core;
    const start = memory.receiveStart;
    const used = head.parse(start, start + memory.buffer.write(text, start, "latin1"));
    if (used <= 0) {
      reply(errorPlan(used === 0 ? 400 : parseErrorOf(used).status, true));
      return;
    }
    if (head.chunked || head.contentLength > 0) {
      // Node takes the chunked coding off: what comes is the content, until it ends.
      const length = head.chunked ? Number.POSITIVE_INFINITY : head.contentLength;
      body = new RequestBody(new NodeBodySource(incoming), length, core.options.maxBodyBytes, false);
      feedFromStream(incoming, body);
    }
    let answer: ResponsePlan | Promise<ResponsePlan>;
    const event = core.follower?.began(head, client);
    try {
      answer =
        event === undefined
          ? core.answer(head, used, body, client)
          : core.answerWithin(event, head, used, body, client);
    } catch (error) {
      answer = core.failed(error, client);
    }
    if (!(answer instanceof Promise)) {
      reply(answer);
      return;
    }
    core.observer?.wait(client);
    answer.then(reply, (error: unknown) => reply(core.failed(error, client)));
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
    const socket = this.#incoming.socket as Partial<TLSSocket>;
    return socket.encrypted === true && socket.authorized === true
      ? socket.getPeerX509Certificate?.()?.raw
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

/** Carries a plan out on Node's response. Never rejects: what fails ends the connection. */
async function send(
  plan: ResponsePlan,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestBody: RequestBody | null,
  core: ServerCore,
  client: NodeClient,
): Promise<void> {
  const { observer } = core;
  if (outgoing.destroyed) {
    dropPlan(plan);
    observer?.aborted(client);
    return;
  }
  plan = framedPlan(plan, incoming.method === "HEAD");
  observer?.answered(client, plan, incoming.method === "HEAD", false);
  try {
    const { head, body } = plan;
    if (plan.upgrade !== undefined) {
      outgoing.writeHead(501).end();
      await finished(outgoing);
      return;
    }
    const fields = [...head.fields];
    if (head.framing.dates === 0) fields.push("Date", httpDate(Date.now()));
    const isKept = plan.close !== true && leavesRoom(requestBody, core.options.maxDiscardBytes);
    if (!isKept) fields.push("Connection", "close");
    outgoing.sendDate = false;
    outgoing.writeHead(head.status, REASON_PHRASES[head.status] ?? "", fields);
    if (incoming.method === "HEAD" || body.kind === "none" || head.status === 204 || head.status === 304) {
      if (body.kind === "stream") abandonChunks(body.chunks);
      outgoing.end();
    } else if (body.kind === "bytes") {
      outgoing.end(body.bytes);
    } else if (body.kind === "segments") {
      await sendSegments(new ResponseSink(outgoing), body.segments);
      outgoing.end();
    } else {
      const sink = new ResponseSink(outgoing);
      if (await sendStream(sink, body.chunks, body.length, false)) outgoing.end();
      else cut(incoming, outgoing);
    }
    await finished(outgoing);
    if (isKept && requestBody?.complete === false && !outgoing.destroyed) {
      requestBody.discard();
      incoming.resume();
    }
  } catch (error) {
    core.reportError(error, client);
    cut(incoming, outgoing);
  } finally {
    plan.release?.();
    if (outgoing.writableFinished) observer?.finished(client);
    else observer?.aborted(client);
  }
}

/**
 * Whether the next request can be found behind the body. Node is not done with a request without one, either, while its
 * listener runs: `incoming.complete` says nothing of it.
 */
function leavesRoom(body: RequestBody | null, maxDiscardBytes: number): boolean {
  if (body === null || body.complete) return true;
  return body.error === null && body.remainingBytes <= maxDiscardBytes;
}

/** Where only the connection's end says where the content ends, an end in order would say that it is whole. */
function cut(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { socket } = incoming;
  const isDelimited = incoming.httpVersion !== "1.0" || outgoing.hasHeader("content-length");
  if (!isDelimited && !("encrypted" in socket)) socket.resetAndDestroy();
  outgoing.destroy();
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
