/** What is fuzzed: each target takes any bytes and throws when a promise is broken. */
import { isDeepStrictEqual } from "node:util";
import { ChunkedDecoder } from "../src/chunked/decoder.js";
import { ReplyHead } from "../src/reply-head.js";
import { createScanner } from "../src/scan/create-scanner.js";
import { StructuredFieldError } from "../src/structured-fields/error.js";
import { parseDictionary, parseItem, parseList } from "../src/structured-fields/parse.js";
import { serializeDictionary, serializeItem, serializeList } from "../src/structured-fields/serialize.js";
import { METHOD, METHOD_NAMES, type MethodId } from "../src/tables/methods.js";
import { exchange } from "../src/testing/exchange.fixture.js";
import { llhttp } from "../src/testing/llhttp.fixture.js";
import { differenceFrom } from "../src/testing/llhttp-oracle.fixture.js";

export interface Target {
  /** Words that mutations put in. */
  readonly words: readonly string[];
  readonly seeds: readonly string[];
  run(input: Buffer): void;
}

const simd = createScanner({ kind: "simd" });
const plain = createScanner({ kind: "plain" });
export const INPUT_BYTES_MAX = 4096;

function same(a: unknown, b: unknown, what: string): void {
  if (!isDeepStrictEqual(a, b)) throw new Error(`${what}\n${JSON.stringify(a)}\n${JSON.stringify(b)}`);
}

/** Cuts that depend on the input alone. */
function cutsOf(input: Uint8Array): number[] {
  const cuts: number[] = [];
  for (let at = 0; at < input.length; at += 1 + ((input[at]! * 7) % 23)) cuts.push(at);
  return cuts;
}

const head: Target = {
  // biome-ignore format: words
  words: ["\r\n", "\r", "\n", " ", "\t", ":", ": ", "GET ", "POST ", "CONNECT ", "OPTIONS ", "/", "*", "http://", "a:80", "?", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Host: a\r\n", "Content-Length: ", "Transfer-Encoding: ", "chunked", "Connection: ", "close", "keep-alive", "upgrade", "Upgrade: x\r\n", "Expect: 100-continue\r\n", "\r\n\r\n", "0\r\n\r\n", "\0", "\x7f", "\xff", "[::1]", "%41", ",", "5", "9007199254740992"],
  seeds: [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nPOST http://b?x HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
    "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
  ],
  run(input) {
    const text = input.toString("latin1");
    const whole = exchange(simd, text);
    same(exchange(plain, text), whole, "SIMD and plain scanner differ");
    const cuts = cutsOf(input);
    same(exchange(simd, text, { cuts }, 77), whole, "A split changes the result (SIMD)");
    same(exchange(plain, text, { cuts }, 3), whole, "A split changes the result (plain)");
    const difference = differenceFrom(whole, llhttp(text));
    if (difference !== undefined) throw new Error(`Unlisted difference from llhttp: ${difference}`);
  },
};

interface Decoded {
  readonly result: number;
  readonly content: string;
  readonly trailers: readonly string[];
  readonly done: boolean;
}

function decode(input: Buffer, cuts: readonly number[]): Decoded {
  const decoder = new ChunkedDecoder();
  let content = "";
  let at = 0;
  for (const end of [...cuts, input.length]) {
    while (at < end && !decoder.done) {
      const next = decoder.step(input, at, end);
      if (next < 0) return { result: next, content, trailers: [], done: false };
      if (next <= at || decoder.dataEnd > next || decoder.dataStart > decoder.dataEnd)
        throw new Error("A step went nowhere");
      content += input.toString("latin1", decoder.dataStart, decoder.dataEnd);
      at = next;
    }
  }
  return { result: decoder.done ? at : 0, content, trailers: decoder.trailers, done: decoder.done };
}

const chunked: Target = {
  words: [
    "\r\n",
    "\r",
    "\n",
    "0",
    "1",
    "a",
    "F",
    "10",
    ";",
    "=",
    '"',
    "\\",
    " ",
    "\t",
    "x",
    "0\r\n",
    "\r\n\r\n",
    "X: y\r\n",
    "Content-Length: 5\r\n",
    "ffffffffffffff",
    "\0",
    "\xff",
  ],
  seeds: [
    "0\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r\n",
    '3;a=b;c="d\\"e" ; f\r\nabc\r\n00\r\nX: y\r\nHost: z\r\n\r\n',
    "5 ;a\r\nhello\r\nA\r\n0123456789\r\n0;z\r\n\r\nrest",
  ],
  run(input) {
    const whole = decode(input, []);
    same(decode(input, cutsOf(input)), whole, "A split changes the result");
    same(
      decode(
        input,
        Array.from(input, (_, i) => i),
      ),
      whole,
      "Single bytes change the result",
    );
  },
};

function readReply(kind: typeof simd, input: Buffer, cuts: readonly number[], method: MethodId): unknown {
  const reply = new ReplyHead(kind);
  kind.bytes.set(input, 100);
  let seen = 0;
  for (const end of [...cuts, input.length]) {
    const length = reply.parse(100, 100 + end, method, seen);
    if (length < 0) return { length };
    if (length > 0) {
      const { status, content, contentLength, keepAlive, minorVersion, reason } = reply;
      return {
        length,
        status,
        content,
        contentLength,
        keepAlive,
        minorVersion,
        reason,
        fields: reply.toFields(),
      };
    }
    seen = end;
  }
  return { length: 0 };
}

const reply: Target = {
  // biome-ignore format: words
  words: ["\r\n", "\r", "\n", " ", "\t", ":", "HTTP/1.1 ", "HTTP/1.0 ", "200", "204", "304", "101", "599", " OK", "Content-Length: ", "5", "Transfer-Encoding: ", "chunked", "Connection: close\r\n", "Set-Cookie: a=b\r\n", "\r\n\r\n", "\0", "\xff"],
  seeds: [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.0 404 \r\nConnection: keep-alive\r\nX:  y \r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  run(input) {
    for (const method of [METHOD.GET, METHOD.HEAD, METHOD.CONNECT]) {
      const whole = readReply(simd, input, [], method);
      const cuts = cutsOf(input);
      const what = METHOD_NAMES[method];
      same(readReply(plain, input, [], method), whole, `SIMD and plain scanner differ (${what})`);
      same(readReply(simd, input, cuts, method), whole, `A split changes the result (${what}, SIMD)`);
      same(readReply(plain, input, cuts, method), whole, `A split changes the result (${what}, plain)`);
    }
  },
};

const kinds = [
  { parse: parseItem, serialize: serializeItem },
  { parse: parseList, serialize: serializeList },
  { parse: parseDictionary, serialize: serializeDictionary },
] as unknown as readonly { parse(text: string): never; serialize(value: never): string }[];

const structured: Target = {
  words: [
    '"',
    "\\",
    "(",
    ")",
    ",",
    ", ",
    ";",
    "=",
    "?1",
    "?0",
    "@1",
    ":",
    ":aGk=:",
    '%"%c3%bc"',
    "1.5",
    "-0",
    "a",
    "*",
    " ",
    "\t",
    "999999999999999",
  ],
  seeds: ['a;b="c";d=1.5, (1 2);e, :aGk=:', 'k=?0, l, m=(a b);n, o=%"%c3%bc", p=@1'],
  run(input) {
    const text = input.toString("latin1");
    for (const { parse, serialize } of kinds) {
      let canonical: string;
      try {
        canonical = serialize(parse(text));
      } catch (error) {
        if (error instanceof StructuredFieldError) continue;
        throw error;
      }
      if (serialize(parse(canonical)) !== canonical) throw new Error(`Not stable: ${canonical}`);
    }
  },
};

export const TARGETS: { readonly [name: string]: Target } = { head, chunked, reply, structured };
