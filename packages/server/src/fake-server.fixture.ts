import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { App } from "./app.js";
import { FakeLoop, type FakeTransport } from "./loop/fake.js";
import type { ServerOptions } from "./options.js";
import type { Handler } from "./server-core.js";

export function textPlan(text: string, status = 200, fields: readonly string[] = []): ResponsePlan {
  const bytes = Buffer.from(text, "latin1");
  const head = new ResponseHead(status, [...fields, "Content-Length", String(bytes.byteLength)]);
  return { head, body: { kind: "bytes", bytes } };
}

/** Answers with method, target and body: what came in can be read from what comes out. */
export const echo: Handler = async (request) => {
  const body = await request.text();
  return textPlan(`${request.method} ${request.target} ${body}`);
};

export interface FakeServer {
  readonly app: App;
  readonly loop: FakeLoop;
  connect(window?: number): FakeTransport;
  /** Lets promises and immediates run. */
  settle(): Promise<void>;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
}

/** A server on the fake loop: no socket, no real time. */
export async function fakeServer(
  handler: Handler | undefined,
  options: ServerOptions = {},
): Promise<FakeServer> {
  const loop = new FakeLoop(10);
  const app = new App({ tickMs: 10, ...options }, loop);
  if (handler !== undefined) app.handle(handler);
  await app.listen({ port: 1 });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 8; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const transport of loop.transports) transport.turn();
    }
  };
  return {
    app,
    loop,
    connect: (window) => loop.connect(window),
    settle,
    pass: async (ms) => {
      loop.advance(ms);
      await settle();
    },
  };
}

export interface ParsedResponse {
  readonly status: number;
  readonly fields: { readonly [name: string]: string };
  readonly body: string;
}

/** Splits bytes into responses. @param heads which of them answer HEAD, by position */
export function parseResponses(bytes: Buffer, heads: readonly number[] = []): ParsedResponse[] {
  const responses: ParsedResponse[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    const end = bytes.indexOf("\r\n\r\n", at, "latin1");
    if (end < 0) throw new Error(`no end of head in ${JSON.stringify(bytes.toString("latin1", at))}`);
    const [line = "", ...lines] = bytes.toString("latin1", at, end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
    const fields: { [name: string]: string } = {};
    for (const text of lines)
      fields[text.slice(0, text.indexOf(":")).toLowerCase()] = text.slice(text.indexOf(":") + 2);
    at = end + 4;
    let body = "";
    const bodyless = heads.includes(responses.length) || status < 200 || status === 204 || status === 304;
    if (!bodyless && fields["transfer-encoding"] === "chunked") {
      for (;;) {
        const sizeEnd = bytes.indexOf("\r\n", at, "latin1");
        const size = Number.parseInt(bytes.toString("latin1", at, sizeEnd), 16);
        body += bytes.toString("latin1", sizeEnd + 2, sizeEnd + 2 + size);
        at = sizeEnd + 2 + size + 2;
        if (size === 0) break;
      }
    } else if (!bodyless) {
      const length =
        fields["content-length"] === undefined ? bytes.byteLength - at : Number(fields["content-length"]);
      body = bytes.toString("latin1", at, at + length);
      at += length;
    }
    responses.push({ status, fields, body });
  }
  return responses;
}
