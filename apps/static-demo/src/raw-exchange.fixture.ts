import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; fields that repeat are joined by `", "`. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const timeoutMs = 120_000;

/** Sends bytes as they are, ends the request side after the answer's end or a close, returns the first answer. */
export function rawExchange(port: number, request: string | Buffer, host = "127.0.0.1"): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect(port, host, () => socket.write(request));
    const settle = (isEnd: boolean) => {
      const answer = parse(received, request.toString("latin1").startsWith("HEAD "), isEnd);
      if (answer) resolve(answer);
      else if (isEnd) reject(new Error(`no whole answer: ${JSON.stringify(received.toString("latin1"))}`));
      if (answer || isEnd) socket.destroy();
    };
    socket.setTimeout(timeoutMs, () => settle(true));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      settle(false);
    });
    socket.on("error", () => settle(true));
    socket.on("end", () => settle(true));
  });
}

function parse(bytes: Buffer, isHead: boolean, isEnd: boolean): RawAnswer | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [line = "", ...rest] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const fields: Record<string, string> = Object.create(null);
  for (const each of rest) {
    const colon = each.indexOf(":");
    const name = each.slice(0, colon).toLowerCase();
    const value = each.slice(colon + 1).trim();
    fields[name] = name in fields ? `${fields[name]}, ${value}` : value;
  }
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
  const hasBody = !isHead && status >= 200 && status !== 204 && status !== 304;
  const length = hasBody ? Number(fields["content-length"] ?? Number.NaN) : 0;
  const body = bytes.subarray(headEnd + 4);
  if (Number.isNaN(length)) return isEnd ? { status, fields, body } : undefined;
  return body.length >= length ? { status, fields, body: body.subarray(0, length) } : undefined;
}
