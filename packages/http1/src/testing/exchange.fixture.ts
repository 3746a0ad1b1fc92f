/**
 * What a server that echoes would make of a connection's bytes, with the parser's own decisions only. Used by
 * the corpora: the real server is tested elsewhere.
 */
import { ChunkedDecoder } from "../chunked/decoder.js";
import { parseErrorOf } from "../errors.js";
import type { HeadLimits } from "../options.js";
import { RequestHead } from "../request-head.js";
import type { HeadScanner } from "../scan/scanner.js";

export interface Exchange {
  /** Each request that is answered with 200. */
  readonly requests: {
    readonly method: string;
    readonly target: string;
    readonly body: string;
    readonly trailers: readonly string[];
  }[];
  /** The status that ends the connection, if one does. */
  error?: { readonly status: number; readonly code: string };
  /** `wait`: the last message is incomplete; `close`: the connection ends after the last answer. */
  end: "idle" | "wait" | "close";
  /** 100 (Continue) is due before the content of these requests. */
  continued: number;
}

/** Runs `input` (one character a byte) as one connection. */
export function exchange(
  scanner: HeadScanner,
  input: string,
  limits: Partial<HeadLimits> = {},
  offset = 256,
): Exchange {
  const head = new RequestHead(scanner, limits);
  const { bytes } = scanner;
  const end = offset + input.length;
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).write(input, offset, "latin1");
  const result: Exchange = { requests: [], end: "idle", continued: 0 };
  const refuse = (id: number): Exchange => {
    const { status, code } = parseErrorOf(id);
    result.error = { status, code };
    result.end = "close";
    return result;
  };
  for (let at = offset; at < end; ) {
    const length = head.parse(at, end);
    if (length < 0) return refuse(length);
    if (length === 0) {
      result.end = "wait";
      return result;
    }
    at += length;
    if (head.expectContinue) result.continued++;
    let body = "";
    let trailers: readonly string[] = [];
    if (head.chunked) {
      const decoder = new ChunkedDecoder();
      while (at < end && !decoder.done) {
        at = decoder.step(bytes, at, end);
        if (at < 0) return refuse(at);
        body += Buffer.from(bytes.subarray(decoder.dataStart, decoder.dataEnd)).toString("latin1");
      }
      if (!decoder.done) {
        result.end = "wait";
        return result;
      }
      trailers = decoder.trailers;
    } else if (head.contentLength > 0) {
      if (end - at < head.contentLength) {
        result.end = "wait";
        return result;
      }
      body = Buffer.from(bytes.subarray(at, at + head.contentLength)).toString("latin1");
      at += head.contentLength;
    }
    result.requests.push({ method: head.method, target: head.target, body, trailers });
    if (!head.keepAlive) {
      result.end = "close";
      return result;
    }
  }
  return result;
}
