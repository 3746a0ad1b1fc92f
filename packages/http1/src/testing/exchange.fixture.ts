/**
 * What a server that echoes would make of a connection's bytes, with the parser's own decisions only. Used by
 * the corpora: the real server is tested elsewhere.
 */
import { ChunkedDecoder } from "../chunked/decoder.js";
import { parseErrorOf } from "../errors.js";
import type { HeadLimits } from "../options.js";
import type { Relaxation } from "../relaxations.js";
import { RequestHead } from "../request-head.js";
import type { HeadScanner } from "../scan/scanner.js";

export interface Served {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
  body: string;
  trailers: readonly string[];
}

export interface Exchange {
  /** Each request that is answered with 200. */
  readonly requests: readonly Served[];
  /** The status that ends the connection, if one does. */
  readonly error: { readonly status: number; readonly code: string } | undefined;
  /** `wait`: the last message is incomplete; `close`: the connection ends after the last answer. */
  readonly end: "idle" | "wait" | "close";
  /** What is incomplete is a head: rules about the whole of it have not been applied yet. */
  readonly inHead: boolean;
  /** How often 100 (Continue) is due. */
  readonly continued: number;
}

export interface ExchangeOptions {
  readonly limits?: Partial<HeadLimits> | undefined;
  readonly lenient?: readonly Relaxation[];
  /** Where the input is cut into pieces that arrive one after the other; ascending. Not cut by default. */
  readonly cuts?: readonly number[];
}

type Phase = "head" | "length" | "chunked" | "over";

/** Reads one connection's bytes as they arrive in a scanner's memory. */
class Peer {
  readonly requests: Served[] = [];
  error: { readonly status: number; readonly code: string } | undefined;
  continued = 0;
  phase: Phase = "head";
  #at: number;
  #seen = 0;
  #remaining = 0;
  readonly #bytes: Uint8Array;
  readonly #head: RequestHead;
  readonly #decoder = new ChunkedDecoder();
  #current: Served | undefined;

  constructor(scanner: HeadScanner, at: number, { limits = {}, lenient = [] }: ExchangeOptions) {
    this.#at = at;
    this.#bytes = scanner.bytes;
    this.#head = new RequestHead(scanner, limits, { lenient });
  }

  /** Whether bytes of an unfinished message are there. */
  isWaiting(end: number): boolean {
    return this.phase !== "over" && (this.phase !== "head" || this.#at < end);
  }

  /** More bytes have come: up to `end`. */
  receive(end: number): void {
    while (this.phase !== "over" && this.#step(end));
  }

  /** @returns whether there may be more to do with the same bytes */
  #step(end: number): boolean {
    if (this.phase === "head") return this.#readHead(end);
    if (this.phase === "length") {
      const taken = Math.min(this.#remaining, end - this.#at);
      this.#take(this.#at, this.#at + taken);
      this.#at += taken;
      this.#remaining -= taken;
      return this.#remaining === 0 && this.#finish();
    }
    if (this.#at === end) return false;
    const next = this.#decoder.step(this.#bytes, this.#at, end);
    if (next < 0) return this.#refuse(next);
    this.#take(this.#decoder.dataStart, this.#decoder.dataEnd);
    this.#at = next;
    if (!this.#decoder.done) return true;
    this.#current!.trailers = this.#decoder.trailers;
    return this.#finish();
  }

  #readHead(end: number): boolean {
    if (this.#at === end) return false;
    const head = this.#head;
    const length = head.parse(this.#at, end, this.#seen);
    if (length < 0) return this.#refuse(length);
    if (length === 0) {
      this.#seen = end - this.#at;
      return false;
    }
    this.#at += length;
    this.#seen = 0;
    if (head.expectContinue) this.continued++;
    this.#current = {
      method: head.method,
      target: head.target,
      fields: head.toFields(),
      body: "",
      trailers: [],
    };
    this.#remaining = Math.max(0, head.contentLength);
    this.#decoder.reset();
    this.phase = head.chunked ? "chunked" : "length";
    return true;
  }

  #take(start: number, end: number): void {
    this.#current!.body += Buffer.from(this.#bytes.subarray(start, end)).toString("latin1");
  }

  #finish(): boolean {
    this.requests.push(this.#current!);
    this.phase = this.#head.keepAlive ? "head" : "over";
    return true;
  }

  #refuse(id: number): boolean {
    const { status, code } = parseErrorOf(id);
    this.error = { status, code };
    this.phase = "over";
    return false;
  }
}

/** Runs `input` (one character a byte) as one connection. */
export function exchange(
  scanner: HeadScanner,
  input: string,
  options: ExchangeOptions = {},
  offset = 256,
): Exchange {
  const peer = new Peer(scanner, offset, options);
  Buffer.from(scanner.bytes.buffer, scanner.bytes.byteOffset, scanner.bytes.byteLength).write(
    input,
    offset,
    "latin1",
  );
  for (const cut of options.cuts ?? []) peer.receive(offset + cut);
  const end = offset + input.length;
  peer.receive(end);
  const { requests, error, continued } = peer;
  return {
    requests,
    error,
    continued,
    inHead: peer.phase === "head",
    end: peer.phase === "over" ? "close" : peer.isWaiting(end) ? "wait" : "idle",
  };
}
