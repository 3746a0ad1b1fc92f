import { connect as connectPlain } from "node:net";
import { connect as connectSecure } from "node:tls";

/** One answer as it came over the wire. */
export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Bytes of head and body together. */
  readonly byteLength: number;
}

const timeoutMs = 10_000;

/**
 * Sends raw bytes and reads one answer framed by Content-Length.
 * @param secure over TLS, with whatever certificate
 */
export function exchange(port: number, request: string, secure = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    // How many bytes the answer has: known when its head is here.
    let wanted = 0;
    const send = () => void socket.write(request, "latin1");
    const socket = secure
      ? connectSecure({ port, host: "127.0.0.1", rejectUnauthorized: false }, send)
      : connectPlain(port, "127.0.0.1", send);
    const fail = (why: string) => {
      socket.destroy();
      const start = Buffer.concat(chunks.slice(0, 1)).toString("latin1", 0, 200);
      reject(new Error(`${why}; received ${JSON.stringify(start)}`));
    };
    socket.setTimeout(timeoutMs, () => fail("no whole answer in time"));
    socket.on("error", (error) => fail(error.message));
    socket.on("end", () => fail("closed before the end of the answer"));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length < wanted) return;
      const received = Buffer.concat(chunks);
      const answer = parseAnswer(received);
      if (answer === undefined) {
        wanted = lengthOf(received) ?? 0;
        return;
      }
      socket.destroy();
      resolve(answer);
    });
  });
}

/** Bytes of the answer that begins here, `undefined` while its head is not whole. */
function lengthOf(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n", 0, "latin1");
  if (headEnd < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString("latin1", 0, headEnd))?.[1];
  return headEnd + 4 + Number(length ?? 0);
}

/** The first answer in the bytes, or `undefined` while it is not complete. */
export function parseAnswer(bytes: Buffer): Answer | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n", 0, "latin1");
  if (headEnd < 0) return undefined;
  const [line = "", ...rest] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const fields = new Map(
    rest.map((each) => {
      const colon = each.indexOf(":");
      return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()] as const;
    }),
  );
  const status = Number(line.split(" ")[1]);
  // An upgrade has no body.
  const end = headEnd + 4 + (status === 101 ? 0 : Number(fields.get("content-length")));
  if (Number.isNaN(end)) throw new Error(`an answer without Content-Length: ${line}`);
  if (bytes.length < end) return undefined;
  const body = bytes.subarray(headEnd + 4, end);
  return { status, fields, body, byteLength: end };
}
