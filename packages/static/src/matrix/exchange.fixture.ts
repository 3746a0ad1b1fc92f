/** One raw request over a socket, and the answer taken apart. */
import net from "node:net";

export interface Answer {
  readonly status: number;
  /** Names in lower case; lines of one name joined by `", "`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends with `Connection: close` and reads until the server closes. */
export function exchange(port: number, { method, target, headers }: RawRequest): Promise<Answer> {
  const lines = [`${method} ${target} HTTP/1.1`, "Host: localhost", "Connection: close"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return new Promise((done, fail) => {
    const parts: Buffer[] = [];
    const socket = net.connect(port, "127.0.0.1", () =>
      socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    );
    socket.setTimeout(120_000, () => socket.destroy(new Error(`no answer to ${method} ${target}`)));
    socket.on("data", (part) => parts.push(part));
    socket.on("error", fail);
    socket.on("close", () => {
      try {
        done(parseAnswer(Buffer.concat(parts), method));
      } catch (error) {
        fail(error as Error);
      }
    });
  });
}

/** Takes exactly one answer apart; anything before, after or short of it is an error. */
export function parseAnswer(bytes: Buffer, method: string): Answer {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`no head in ${JSON.stringify(bytes.toString("latin1").slice(0, 200))}`);
  const [line = "", ...fields] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(":");
    const name = field.slice(0, colon).toLowerCase();
    const value = field.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const rest = bytes.subarray(end + 4);
  // An interim answer, 103, comes before the final one.
  if (status < 200) return parseAnswer(rest, method);
  const hasBody = !(method === "HEAD" || status === 204 || status === 304);
  const body = /chunked/i.test(headers["transfer-encoding"] ?? "") ? dechunk(rest) : rest;
  const length = hasBody ? Number(headers["content-length"] ?? body.byteLength) : 0;
  if (body.byteLength !== length) throw new Error(`${body.byteLength} bytes of content, not ${length}`);
  return { status, headers, body };
}

function dechunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", i);
    const size = Number.parseInt(bytes.toString("latin1", i, lineEnd), 16);
    if (lineEnd < 0 || Number.isNaN(size)) throw new Error("not chunked");
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    i = lineEnd + 4 + size;
  }
}
