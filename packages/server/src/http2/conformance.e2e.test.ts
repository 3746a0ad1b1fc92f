/**
 * What a checker of HTTP/2 servers looks for, frame by frame: RFC 9113 sections 3 to 8 and RFC 7541, on the fast loop.
 * (The engine of Node is nghttp2's own affair.)
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import { SERVER } from "../tls/certificates.fixture.js";
import {
  block,
  data,
  FrameClient,
  frame,
  headers,
  request,
  settings,
  uint32,
} from "./frame-client.fixture.js";
import { CODE, FLAG, FRAME, PREFACE, SETTING } from "./frames/frame.js";

const support = isEpollSupported();
const { endHeaders: END_HEADERS, endStream: END_STREAM, padded: PADDED, priority: PRIORITY } = FLAG;
const GET = request("GET", "/");
const POST = request("POST", "/echo");
const ping = (payload = "12345678", flags = 0, id = 0) => frame(FRAME.ping, flags, id, Buffer.from(payload));
const windowUpdate = (id: number, by: number) => frame(FRAME.windowUpdate, 0, id, uint32(by));
const reset = (id: number, code: number = CODE.cancel) => frame(FRAME.resetStream, 0, id, uint32(code));

describe.skipIf(!support.supported)("HTTP/2 on the fast loop, frame by frame", () => {
  let app: App;
  let port: number;
  const clients: FrameClient[] = [];

  beforeAll(async () => {
    app = createServer({ loop: "epoll", tickMs: 10 });
    app.get("/", () => text("hello"));
    app.get("/large", () => text("x".repeat(100_000)));
    app.get("/never", () => new Promise<never>(() => {}));
    app.get("/fields", (asked) => text(JSON.stringify(asked.fields())));
    app.post("/echo", async (asked) => text(await asked.text()));
    ({ port } = await app.listen({ port: 0, tls: SERVER, http2: true }));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await until(() => app.stats().connections === 0);
  });
  afterAll(() => app.close({ timeoutMs: 100 }));

  const open = async (greeting?: Uint8Array | null): Promise<FrameClient> => {
    const client = await FrameClient.open(port, greeting);
    clients.push(client);
    return client;
  };

  describe("§3.4, preface", () => {
    test("SETTINGS come first, with what is allowed", async () => {
      const client = await open();
      const first = await client.frame(() => true);
      expect(first).toMatchObject({ type: FRAME.settings, flags: 0, id: 0 });
      const pairs = Array.from({ length: first.payload.byteLength / 6 }, (_, i) => [
        first.payload.readUInt16BE(i * 6),
        first.payload.readUInt32BE(i * 6 + 2),
      ]);
      expect(pairs).toContainEqual([SETTING.maxConcurrentStreams, 128]);
      expect(pairs).toContainEqual([SETTING.enablePush, 0]);
      await client.frame(({ type, flags }) => type === FRAME.settings && flags === FLAG.ack);
    });
    test.each([
      ["another method", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
      ["no SETTINGS behind it", Buffer.concat([PREFACE, ping()])],
      ["a request behind it", Buffer.concat([PREFACE, headers(1, GET)])],
      ["an acknowledgement behind it", Buffer.concat([PREFACE, frame(FRAME.settings, FLAG.ack, 0)])],
    ])("%s ends the connection", async (_name, greeting) => {
      expect(await (await open(greeting)).failure()).toBe(CODE.protocolError);
    });
  });

  /** What ends the connection, and with which code. */
  const FATAL: Readonly<Record<string, readonly [readonly Uint8Array[], number]>> = {
    "§4.2: a frame larger than said": [
      [headers(1, POST, END_HEADERS), data(1, Buffer.alloc(16_385))],
      CODE.frameSizeError,
    ],
    "§4.2: a larger block": [[headers(1, Buffer.alloc(16_385))], CODE.frameSizeError],
    "§4.3: a block that cannot be decoded": [[headers(1, Buffer.from([0xff]))], CODE.compressionError],
    "§4.3: another frame within a block": [[headers(1, GET, END_STREAM), ping()], CODE.protocolError],
    "§4.3: a block of another stream within a block": [
      [headers(1, GET, END_STREAM), headers(3, GET)],
      CODE.protocolError,
    ],
    "§4.3: a frame that nobody knows within a block": [
      [headers(1, GET, END_STREAM), frame(0x16, 0, 0)],
      CODE.protocolError,
    ],
    "§5.1: DATA on an idle stream": [[data(1, "x")], CODE.protocolError],
    "§5.1: RST_STREAM on an idle stream": [[reset(1)], CODE.protocolError],
    "§5.1: WINDOW_UPDATE on an idle stream": [[windowUpdate(1, 1)], CODE.protocolError],
    "§5.1: CONTINUATION on an idle stream": [
      [frame(FRAME.continuation, END_HEADERS, 1, GET)],
      CODE.protocolError,
    ],
    "§5.1: HEADERS on a stream that has ended": [[headers(1, GET), headers(1, GET)], CODE.streamClosed],
    "§5.1: HEADERS on a stream that was reset": [
      [headers(1, request("GET", "/never")), reset(1), headers(1, GET)],
      CODE.streamClosed,
    ],
    "§5.1: HEADERS on a half-closed stream": [
      [headers(1, request("GET", "/never")), headers(1, GET)],
      CODE.streamClosed,
    ],
    "§5.1.1: a stream of an even number": [[headers(2, GET)], CODE.protocolError],
    "§5.1.1: a smaller number than before": [[headers(5, GET), headers(3, GET)], CODE.protocolError],
    "§6.1: DATA on stream 0": [[data(0, "x")], CODE.protocolError],
    "§6.1: padding as long as the frame": [
      [headers(1, POST, END_HEADERS), data(1, Buffer.from([4, 1, 2, 3]), PADDED)],
      CODE.protocolError,
    ],
    "§6.2: HEADERS on stream 0": [[headers(0, GET)], CODE.protocolError],
    "§6.2: padding as long as the frame": [
      [headers(1, Buffer.from([2, 0x82]), END_HEADERS | PADDED)],
      CODE.protocolError,
    ],
    "§6.2: too short for its priority": [
      [headers(1, Buffer.from([0, 0]), END_HEADERS | PRIORITY)],
      CODE.protocolError,
    ],
    "§6.3: PRIORITY on stream 0": [[frame(FRAME.priority, 0, 0, Buffer.alloc(5))], CODE.protocolError],
    "§6.3: PRIORITY of another size": [[frame(FRAME.priority, 0, 1, Buffer.alloc(4))], CODE.frameSizeError],
    "§6.4: RST_STREAM on stream 0": [[reset(0)], CODE.protocolError],
    "§6.4: RST_STREAM of another size": [
      [headers(1, GET), frame(FRAME.resetStream, 0, 1, Buffer.alloc(3))],
      CODE.frameSizeError,
    ],
    "§6.5: an acknowledgement with content": [
      [frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(6))],
      CODE.frameSizeError,
    ],
    "§6.5: SETTINGS on a stream": [[frame(FRAME.settings, 0, 1)], CODE.protocolError],
    "§6.5: SETTINGS of another size": [[frame(FRAME.settings, 0, 0, Buffer.alloc(5))], CODE.frameSizeError],
    "§6.5.2: push neither on nor off": [[settings(SETTING.enablePush, 2)], CODE.protocolError],
    "§6.5.2: a window too large": [[settings(SETTING.initialWindowSize, 2 ** 31)], CODE.flowControlError],
    "§6.5.2: frames too small": [[settings(SETTING.maxFrameSize, 16_383)], CODE.protocolError],
    "§6.5.2: frames too large": [[settings(SETTING.maxFrameSize, 2 ** 24)], CODE.protocolError],
    "§6.6: PUSH_PROMISE": [
      [frame(FRAME.pushPromise, END_HEADERS, 1, Buffer.concat([uint32(2), GET]))],
      CODE.protocolError,
    ],
    "§6.7: PING on a stream": [[ping("12345678", 0, 1)], CODE.protocolError],
    "§6.7: PING of another size": [[ping("123456")], CODE.frameSizeError],
    "§6.8: GOAWAY on a stream": [[frame(FRAME.goAway, 0, 1, Buffer.alloc(8))], CODE.protocolError],
    "§6.8: GOAWAY of another size": [[frame(FRAME.goAway, 0, 0, Buffer.alloc(7))], CODE.frameSizeError],
    "§6.9: no increment of the connection's window": [[windowUpdate(0, 0)], CODE.protocolError],
    "§6.9: WINDOW_UPDATE of another size": [
      [frame(FRAME.windowUpdate, 0, 0, Buffer.alloc(3))],
      CODE.frameSizeError,
    ],
    "§6.9.1: the connection's window overflows": [[windowUpdate(0, 2 ** 31 - 1)], CODE.flowControlError],
    "§6.9.2: a stream's window overflows by SETTINGS": [
      [
        headers(1, request("GET", "/never")),
        windowUpdate(1, 2 ** 31 - 1 - 65_535),
        settings(SETTING.initialWindowSize, 65_536),
      ],
      CODE.flowControlError,
    ],
    "§6.10: CONTINUATION without a block": [
      [headers(1, GET), frame(FRAME.continuation, END_HEADERS, 1, GET)],
      CODE.protocolError,
    ],
    "§6.10: CONTINUATION on stream 0": [
      [headers(1, GET, END_STREAM), frame(FRAME.continuation, END_HEADERS, 0, GET)],
      CODE.protocolError,
    ],
    "§6.10: pieces without end (CVE-2024-27316)": [
      [
        headers(1, GET, END_STREAM),
        ...Array.from({ length: 100 }, () => frame(FRAME.continuation, 0, 1, block("x-a", "1"))),
      ],
      CODE.enhanceYourCalm,
    ],
    "§6.10: a block without end": [
      [
        headers(1, GET, END_STREAM),
        ...Array.from({ length: 5 }, () => frame(FRAME.continuation, 0, 1, Buffer.alloc(16_000, 0x82))),
      ],
      CODE.enhanceYourCalm,
    ],
    "RFC 7541 §2.3.3: an index behind the tables": [[headers(1, Buffer.from([0xbe]))], CODE.compressionError],
    "RFC 7541 §4.2: a table's size behind the fields": [
      [headers(1, Buffer.concat([GET, Buffer.from([0x20])]))],
      CODE.compressionError,
    ],
    "RFC 7541 §6.3: a larger table than was said": [
      [headers(1, Buffer.concat([Buffer.from([0x3f, 0xe2, 0x1f]), GET]))],
      CODE.compressionError,
    ],
    "RFC 7541 §5.2: Huffman padding": [
      [
        headers(
          1,
          Buffer.concat([GET, Buffer.from("00 85f2b24a84ff 83 4920ffff".replaceAll(" ", ""), "hex")]),
        ),
      ],
      CODE.compressionError,
    ],
  };

  describe("ends the connection", () => {
    test.each(Object.entries(FATAL))("%s", async (_name, [frames, code]) => {
      const client = await open();
      client.send(...frames);
      expect(await client.failure()).toBe(code);
    });
  });

  const REQUEST_FIELDS = [":method", "GET", ":scheme", "https", ":path", "/", ":authority", "localhost"];
  const without = (name: string) => {
    const at = REQUEST_FIELDS.indexOf(name);
    return block(...REQUEST_FIELDS.filter((_, i) => i !== at && i !== at + 1));
  };
  const malformed = (...more: string[]): readonly Uint8Array[] => [
    headers(1, block(...REQUEST_FIELDS, ...more)),
  ];
  const posted = (length: string, ...rest: Uint8Array[]): readonly Uint8Array[] => [
    headers(1, request("POST", "/echo", "content-length", length), END_HEADERS),
    ...rest,
  ];

  /** What ends stream 1 only. */
  const RESET: Readonly<Record<string, readonly [readonly Uint8Array[], number]>> = {
    "§5.1: DATA on a half-closed stream": [
      [headers(1, request("GET", "/never")), data(1, "x")],
      CODE.streamClosed,
    ],
    "§5.1: DATA on a stream that was reset": [
      [headers(1, request("GET", "/never")), reset(1), data(1, "x")],
      CODE.streamClosed,
    ],
    "§5.1: DATA on a stream that has ended": [[headers(1, GET), data(1, "x")], CODE.streamClosed],
    "§6.9: no increment of a stream's window": [
      [headers(1, request("GET", "/never")), windowUpdate(1, 0)],
      CODE.protocolError,
    ],
    "§6.9.1: a stream's window overflows": [
      [headers(1, request("GET", "/never")), windowUpdate(1, 2 ** 31 - 1)],
      CODE.flowControlError,
    ],
    "§8.1: fields behind the body that do not end the stream": [
      [headers(1, POST, END_HEADERS), data(1, "x"), headers(1, block("x-a", "1"), END_HEADERS)],
      CODE.protocolError,
    ],
    "§8.1: a pseudo-field behind the body": [
      [headers(1, POST, END_HEADERS), data(1, "x"), headers(1, block(":path", "/"))],
      CODE.protocolError,
    ],
    "§8.1.1: a longer body than was said": [posted("1", data(1, "xx", END_STREAM)), CODE.protocolError],
    "§8.1.1: a shorter one": [posted("3", data(1, "x"), data(1, "x", END_STREAM)), CODE.protocolError],
    "§8.1.1: none": [[headers(1, request("POST", "/echo", "content-length", "1"))], CODE.protocolError],
    "§8.1.1: one where none was said": [posted("0", data(1, "x", END_STREAM)), CODE.protocolError],
    "§8.2: a name in capitals": [malformed("X-A", "1"), CODE.protocolError],
    "§8.2: a name with a space": [malformed("x a", "1"), CODE.protocolError],
    "§8.2: no name": [malformed("", "1"), CODE.protocolError],
    "§8.2: a line end in a value": [malformed("x-a", "1\r\nx-b: 2"), CODE.protocolError],
    "§8.2: a line end in a path": [
      [headers(1, request("GET", "/ HTTP/1.1\r\nx-b: 2\r\n\r\n"))],
      CODE.protocolError,
    ],
    "§8.2.2: Connection": [malformed("connection", "close"), CODE.protocolError],
    "§8.2.2: Transfer-Encoding": [malformed("transfer-encoding", "chunked"), CODE.protocolError],
    "§8.2.2: TE": [malformed("te", "trailers, deflate"), CODE.protocolError],
    "§8.3: a pseudo-field behind a field": [
      [headers(1, block(":method", "GET", ":scheme", "https", "x-a", "1", ":path", "/"))],
      CODE.protocolError,
    ],
    "§8.3: one that nobody knows": [malformed(":other", "1"), CODE.protocolError],
    "§8.3: one of answers": [malformed(":status", "200"), CODE.protocolError],
    "§8.3.1: no method": [[headers(1, without(":method"))], CODE.protocolError],
    "§8.3.1: no scheme": [[headers(1, without(":scheme"))], CODE.protocolError],
    "§8.3.1: no path": [[headers(1, without(":path"))], CODE.protocolError],
    "§8.3.1: an empty path": [[headers(1, request("GET", ""))], CODE.protocolError],
    "§8.3.1: two methods": [[headers(1, block(":method", "GET", ...REQUEST_FIELDS))], CODE.protocolError],
    "§8.3.1: two paths": [[headers(1, block(":path", "/", ...REQUEST_FIELDS))], CODE.protocolError],
    "§8.3.1: two schemes": [[headers(1, block(":scheme", "https", ...REQUEST_FIELDS))], CODE.protocolError],
    "§8.5: CONNECT with a path": [[headers(1, request("CONNECT", "/"))], CODE.protocolError],
    "too many fields": [
      malformed(...Array.from({ length: 200 }, (_, i) => [`x-${i}`, "1"]).flat()),
      CODE.enhanceYourCalm,
    ],
  };

  describe("ends the stream, and the connection goes on", () => {
    test.each(Object.entries(RESET))("%s", async (_name, [frames, code]) => {
      const client = await open();
      client.send(...frames);
      expect(await client.reset(1)).toBe(code);
      client.send(headers(9, GET));
      expect((await client.answer(9)).body.toString()).toBe("hello");
    });
  });

  /** What is answered, and with which status. */
  const ANSWERED: Readonly<Record<string, readonly [readonly Uint8Array[], number, string?]>> = {
    "a request": [[headers(1, GET)], 200, "hello"],
    "§4.1: flags and a bit that mean nothing": [
      [frame(FRAME.headers, END_HEADERS | END_STREAM | 0x50, 0x80000001, GET)],
      200,
      "hello",
    ],
    "§4.1: a frame that nobody knows": [
      [frame(0x16, 0xff, 77, Buffer.from("x")), headers(1, GET)],
      200,
      "hello",
    ],
    "§5.3.2: a priority, of itself too": [
      [
        frame(FRAME.priority, 0, 1, Buffer.concat([uint32(1), Buffer.from([9])])),
        frame(FRAME.priority, 0, 77, Buffer.alloc(5)),
        headers(1, Buffer.concat([uint32(1), Buffer.from([9]), GET]), END_HEADERS | END_STREAM | PRIORITY),
      ],
      200,
      "hello",
    ],
    "§6.1: padding": [
      [
        headers(1, POST, END_HEADERS),
        data(1, Buffer.concat([Buffer.from([5]), Buffer.from("body"), Buffer.alloc(5)]), PADDED),
        data(1, Buffer.from([0]), PADDED),
        data(1, Buffer.concat([Buffer.from([255]), Buffer.alloc(255)]), PADDED | END_STREAM),
      ],
      200,
      "body",
    ],
    "§6.2: padding and priority": [
      [
        headers(
          1,
          Buffer.concat([Buffer.from([3]), Buffer.alloc(5), GET, Buffer.alloc(3)]),
          END_HEADERS | END_STREAM | PADDED | PRIORITY,
        ),
      ],
      200,
      "hello",
    ],
    "§6.5: a setting that nobody knows": [[settings(0xff, 1), headers(1, GET)], 200, "hello"],
    "§6.8: a client that goes away": [
      [frame(FRAME.goAway, 0, 0, Buffer.alloc(8)), headers(1, GET)],
      200,
      "hello",
    ],
    "§6.10: a block in pieces, an empty one too": [
      [
        headers(1, GET.subarray(0, 1), END_STREAM),
        frame(FRAME.continuation, 0, 1, GET.subarray(1, 4)),
        frame(FRAME.continuation, 0, 1),
        frame(FRAME.continuation, END_HEADERS, 1, GET.subarray(4)),
      ],
      200,
      "hello",
    ],
    "§8.1: fields behind the body": [
      [headers(1, POST, END_HEADERS), data(1, "body"), headers(1, block("x-sum", "1"))],
      200,
      "body",
    ],
    "§8.1.1: a body of its length, in pieces": [
      posted("4", data(1, "bo"), data(1, ""), data(1, "dy", END_STREAM)),
      200,
      "body",
    ],
    "an empty body": [posted("0", data(1, "", END_STREAM)), 200, ""],
    "§8.2.2: TE: trailers": [malformed("te", "trailers"), 200, "hello"],
    "§8.2.3: cookies in crumbs": [
      [headers(1, request("GET", "/fields", "cookie", "a=1", "cookie", "b=2"))],
      200,
      '{"host":"localhost","cookie":"a=1; b=2"}',
    ],
    "§8.3.1: Host in place of :authority": [
      [headers(1, block(":method", "GET", ":scheme", "https", ":path", "/fields", "host", "a"))],
      200,
      '{"host":"a"}',
    ],
    "§8.3.1: Host and :authority that are the same": [
      [headers(1, request("GET", "/fields", "host", "LOCALHOST"))],
      200,
      '{"host":"localhost"}',
    ],
    "§8.3.1: Host and :authority that are not": [[headers(1, request("GET", "/", "host", "a"))], 400],
    "§8.3.1: neither": [[headers(1, without(":authority"))], 400],
    "§8.3.1: two Hosts": [
      [headers(1, block(":method", "GET", ":scheme", "https", ":path", "/", "host", "a", "host", "a"))],
      400,
    ],
    "§8.3.1: a path that is none": [[headers(1, request("GET", "https://localhost/"))], 400],
    "§8.3.1: * of another method": [[headers(1, request("GET", "*"))], 400],
    "§8.5: CONNECT": [[headers(1, block(":method", "CONNECT", ":authority", "a:1"))], 501],
    "a large list, with bytes beyond ASCII": [
      [headers(1, request("GET", "/", "x-a", "a".repeat(9000), "x-c", "\u00fc".repeat(5000)))],
      200,
    ],
    "a content-length that is none": [
      [headers(1, request("POST", "/echo", "content-length", "1x"), END_HEADERS)],
      400,
    ],
    "an expectation that nobody knows": [
      [headers(1, request("POST", "/echo", "expect", "more"), END_HEADERS)],
      417,
    ],
  };

  describe("is answered", () => {
    test.each(Object.entries(ANSWERED))("%s", async (_name, [frames, status, body]) => {
      const client = await open();
      client.send(...frames);
      const answer = await client.answer(1);
      expect(answer.status).toBe(status);
      if (body !== undefined) expect(answer.body.toString()).toBe(body);
      expect(await client.alive()).toBe(true);
    });
  });

  test("a list beyond maxHeadBytes is 431, and the table is as the client thinks", async () => {
    const client = await open();
    // With incremental indexing: 0x40, the name, the value.
    const field = (name: string, value: string) =>
      Buffer.concat([
        Buffer.from([0x40, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value),
      ]);
    const fields = Array.from({ length: 35 }, (_, i) => field(`x-${i}`, "v".repeat(100)));
    client.send(headers(1, Buffer.concat([request("GET", "/fields"), ...fields])));
    expect((await client.answer(1)).status).toBe(200);
    // Index 62 is the newest entry, 400 times: 50 KB of list in 400 bytes.
    client.send(
      headers(3, Buffer.concat([request("GET", "/"), Buffer.alloc(100, 0xbe), Buffer.from([0xbf])])),
    );
    expect((await client.answer(3)).status).toBe(200);
    client.send(headers(5, request("GET", "/", "x-z", "z".repeat(12_000))));
    expect((await client.answer(5)).status).toBe(200);
    const long = request("GET", "/", ...["a", "b", "c"].flatMap((name) => [name, "\u00ff".repeat(4000)]));
    const pieces = [long.subarray(0, 15_000), long.subarray(15_000)];
    client.send(headers(7, pieces[0]!, END_STREAM), frame(FRAME.continuation, END_HEADERS, 7, pieces[1]!));
    expect((await client.answer(7)).status).toBe(200);
    client.send(
      headers(9, Buffer.concat([request("GET", "/"), Buffer.from([0xbe])]), END_STREAM),
      frame(FRAME.continuation, 0, 9, block("d", "x".repeat(15_000))),
      frame(FRAME.continuation, 0, 9, block("e", "x".repeat(15_000))),
      frame(FRAME.continuation, END_HEADERS, 9, block("f", "x".repeat(5000))),
    );
    expect((await client.answer(9)).status).toBe(431);
    client.send(headers(11, Buffer.concat([request("GET", "/fields"), Buffer.from([0xbe])])));
    expect(JSON.parse((await client.answer(11)).body.toString())).toEqual({
      host: "localhost",
      "x-34": "v".repeat(100),
    });
  });

  test("PING is answered by the same bytes, an acknowledgement is not", async () => {
    const client = await open();
    client.send(ping("unasked!", FLAG.ack), ping("12345678"));
    const answer = await client.frame(({ type }) => type === FRAME.ping);
    expect(answer).toMatchObject({ flags: FLAG.ack, payload: Buffer.from("12345678") });
  });

  describe("§6.9, windows of the client", () => {
    const dataOf = (client: FrameClient, stream: number) =>
      client.frames.filter(({ type, id }) => type === FRAME.data && id === stream);
    const sum = (client: FrameClient, stream: number) =>
      dataOf(client, stream).reduce((all, { payload }) => all + payload.byteLength, 0);

    test("a window of one byte, opened byte by byte", async () => {
      const client = await open(Buffer.concat([PREFACE, settings(SETTING.initialWindowSize, 1)]));
      client.send(headers(1, GET));
      await client.frame(({ type }) => type === FRAME.data);
      await client.alive();
      expect(sum(client, 1)).toBe(1);
      for (let i = 2; i <= 5; i++) {
        client.send(windowUpdate(1, 1));
        await until(() => sum(client, 1) === i);
      }
      expect((await client.answer(1)).body.toString()).toBe("hello");
    });

    test("no window, then one by SETTINGS; a negative one is waited for", async () => {
      const client = await open(Buffer.concat([PREFACE, settings(SETTING.initialWindowSize, 0)]));
      client.send(headers(1, request("GET", "/large")));
      await client.frame(({ type, id }) => type === FRAME.headers && id === 1);
      await client.alive();
      expect(sum(client, 1)).toBe(0);
      client.send(settings(SETTING.initialWindowSize, 10));
      await until(() => sum(client, 1) === 10);
      client.send(settings(SETTING.initialWindowSize, 3));
      // 10 of 3 are used: -7, and 8 more make one.
      client.send(windowUpdate(1, 8));
      await until(() => sum(client, 1) === 11);
      await client.alive();
      expect(sum(client, 1)).toBe(11);
      client.send(windowUpdate(1, 200_000), windowUpdate(0, 200_000));
      expect((await client.answer(1)).body.byteLength).toBe(100_000);
    });

    test("the connection's window is for all streams, and heads need none", async () => {
      const client = await open(Buffer.concat([PREFACE, settings(SETTING.initialWindowSize, 200_000)]));
      client.send(headers(1, request("GET", "/large")), headers(3, request("GET", "/large")));
      await until(() => sum(client, 1) + sum(client, 3) === 65_535);
      expect(Math.min(sum(client, 1), sum(client, 3))).toBeGreaterThan(16_000);
      client.send(headers(5, request("HEAD", "/large")), headers(7, GET));
      expect((await client.answer(5)).body.byteLength).toBe(0);
      await client.frame(({ type, id }) => type === FRAME.headers && id === 7);
      await client.alive();
      expect(sum(client, 7)).toBe(0);
      client.send(windowUpdate(0, 2 ** 30));
      for (const id of [1, 3]) expect((await client.answer(id)).body.byteLength).toBe(100_000);
      expect((await client.answer(7)).body.toString()).toBe("hello");
    });

    test("frames are no larger than 16,384 bytes", async () => {
      const client = await open();
      client.send(windowUpdate(0, 200_000), headers(1, request("GET", "/large")), windowUpdate(1, 200_000));
      await client.answer(1);
      expect(Math.max(...dataOf(client, 1).map(({ payload }) => payload.byteLength))).toBeLessThanOrEqual(
        16_384,
      );
    });
  });

  describe("windows of the server", () => {
    test("more than a stream's window", async () => {
      const client = await open();
      client.send(headers(1, request("POST", "/"), END_HEADERS));
      await client.reset(1);
      client.send(headers(3, POST, END_HEADERS));
      for (let i = 0; i < 5; i++) client.send(data(3, Buffer.alloc(16_384)));
      // The connection's window is used up as well, unless what came was credited meanwhile.
      const end = await Promise.race([client.reset(3), client.failure()]).catch(() => -1);
      expect([CODE.flowControlError, CODE.noError, -1]).toContain(end);
    });

    test("a body beyond the windows is credited as it is read", async () => {
      const client = await open();
      client.send(headers(1, POST, END_HEADERS));
      let window = 65_535;
      let connection = 65_535;
      let seen = 0;
      let left = 500_000;
      while (left > 0) {
        for (; seen < client.frames.length; seen++) {
          const { type, id, payload } = client.frames[seen]!;
          if (type !== FRAME.windowUpdate) continue;
          if (id === 0) connection += payload.readUInt32BE(0);
          else window += payload.readUInt32BE(0);
        }
        const length = Math.min(16_384, window, connection, left);
        if (length === 0) {
          await client.frame(() => client.frames.length > seen);
          continue;
        }
        left -= length;
        window -= length;
        connection -= length;
        client.send(data(1, Buffer.alloc(length, "a"), left === 0 ? END_STREAM : 0), windowUpdate(0, length));
      }
      client.send(windowUpdate(1, 500_000));
      expect((await client.answer(1)).body.byteLength).toBe(500_000);
    });
  });

  describe("floods end the connection", () => {
    const many = (count: number, make: (i: number) => Uint8Array): Uint8Array[] =>
      Array.from({ length: count }, (_, i) => make(i));
    const never = request("GET", "/never");
    test.each([
      ["PING (CVE-2019-9512)", many(1000, () => ping())],
      ["SETTINGS (CVE-2019-9515)", many(1000, () => settings())],
      ["empty DATA (CVE-2019-9518)", [headers(1, POST, END_HEADERS), ...many(1000, () => data(1, ""))]],
      [
        "streams that are reset (CVE-2023-44487)",
        many(1000, (i) => Buffer.concat([headers(i * 2 + 1, never), reset(i * 2 + 1)])),
      ],
      [
        "streams that must be reset (CVE-2019-9514)",
        many(1000, (i) => Buffer.concat([headers(i * 2 + 1, never), windowUpdate(i * 2 + 1, 0)])),
      ],
      ["requests that are none", many(1000, (i) => headers(i * 2 + 1, block("x-a", "1")))],
      ["more streams than allowed", many(1000, (i) => headers(i * 2 + 1, never))],
    ])("%s", async (_name, frames) => {
      const client = await open();
      client.send(...frames);
      expect(await client.failure()).toBe(CODE.enhanceYourCalm);
    });

    test("frames that mean nothing", async () => {
      const client = await open();
      const some = Buffer.concat(many(10_000, () => frame(0x42, 0, 0)));
      for (let i = 0; i < 200 && !client.ended; i++) {
        client.send(some);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await client.failure()).toBe(CODE.enhanceYourCalm);
    });
  });

  test("a client that asks for much and reads late gets all of it", async () => {
    const windows = [settings(SETTING.initialWindowSize, 2 ** 30), windowUpdate(0, 2 ** 30)];
    const client = await open(Buffer.concat([PREFACE, ...windows]));
    await client.alive();
    client.socket.pause();
    const ids = Array.from({ length: 120 }, (_, i) => i * 2 + 1);
    client.send(...ids.map((id) => headers(id, request("GET", "/large"))));
    // Meanwhile others are served.
    const other = await open();
    other.send(headers(1, GET));
    await other.answer(1);
    client.send(...ids.slice(0, 50).map(() => ping()));
    await other.alive();
    client.socket.resume();
    for (const id of ids) expect((await client.answer(id)).body.byteLength).toBe(100_000);
    expect(await client.alive()).toBe(true);
  });

  test("a table that may be smaller is said to be empty, once", async () => {
    const client = await open(Buffer.concat([PREFACE, settings(SETTING.headerTableSize, 0)]));
    client.send(headers(1, GET), headers(3, GET));
    await client.answer(3);
    const blocks = client.frames
      .filter(({ type }) => type === FRAME.headers)
      .map(({ payload }) => payload[0]);
    expect(blocks).toEqual([0x20, 0x88]);
    client.send(settings(SETTING.headerTableSize, 100));
    client.send(headers(5, GET));
    await client.answer(5);
    expect(client.frames.findLast(({ type }) => type === FRAME.headers)!.payload[0]).toBe(0x88);
  });

  test("§8.1: an answer before the body ends its stream by NO_ERROR, and what still comes is dropped", async () => {
    const client = await open();
    client.send(headers(1, request("POST", "/nowhere"), END_HEADERS));
    expect((await client.answer(1)).status).toBe(404);
    expect(await client.reset(1)).toBe(CODE.noError);
    client.send(data(1, "late"), data(1, "later", END_STREAM), headers(3, GET));
    expect((await client.answer(3)).status).toBe(200);
    expect(client.frames.filter(({ type }) => type === FRAME.resetStream)).toHaveLength(1);
  });

  test("100 before the body, when the handler asks for it", async () => {
    const client = await open();
    client.send(headers(1, request("POST", "/echo", "expect", "100-continue"), END_HEADERS));
    const interim = await client.frame(({ type, id }) => type === FRAME.headers && id === 1);
    expect(interim.payload.toString("latin1")).toBe("\u0008\u0003100");
    client.send(data(1, "body", END_STREAM));
    expect((await client.answer(1)).body.toString()).toBe("body");
  });

  test("§6.8: the end is said before; what was on its way is answered", async () => {
    const own = createServer({ loop: "epoll" });
    let answer: () => void = () => {};
    const wait = new Promise<void>((resolve) => {
      answer = resolve;
    });
    own.get("/wait", async () => {
      await wait;
      return text("late");
    });
    own.get("/", () => text("hello"));
    const { port: at } = await own.listen({ port: 0, tls: SERVER, http2: true });
    const client = await FrameClient.open(at);
    clients.push(client);
    client.send(headers(1, request("GET", "/wait")));
    await client.alive();
    const closed = own.close({ timeoutMs: 20_000 });
    const notice = await client.frame(({ type }) => type === FRAME.goAway);
    expect([notice.payload.readUInt32BE(0), notice.payload.readUInt32BE(4)]).toEqual([2 ** 31 - 1, 0]);
    const probe = await client.frame(
      ({ type, flags, payload }) => type === FRAME.ping && flags === 0 && payload.length === 8,
    );
    client.send(headers(3, GET), frame(FRAME.ping, FLAG.ack, 0, probe.payload));
    expect((await client.answer(3)).body.toString()).toBe("hello");
    const last = await client.frame(
      ({ type, payload }) => type === FRAME.goAway && payload.readUInt32BE(0) !== 2 ** 31 - 1,
    );
    expect([last.payload.readUInt32BE(0), last.payload.readUInt32BE(4)]).toEqual([3, 0]);
    client.send(headers(5, GET));
    answer();
    expect((await client.answer(1)).body.toString()).toBe("late");
    await until(() => client.ended);
    expect(client.frames.some(({ id }) => id === 5)).toBe(false);
    client.close();
    await closed;
  });
});
