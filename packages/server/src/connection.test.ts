import { ResponseHead } from "@tz/http1";
import { describe, expect, test } from "vitest";
import { echo, fakeServer, parseResponses, textPlan } from "./fake-server.fixture.js";

const GET = (target: string, ...lines: string[]): string =>
  `GET ${target} HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

describe("keep-alive and pipelining", () => {
  test("a connection answers one request after the other", async () => {
    const server = await fakeServer(echo);
    const client = server.connect();
    for (const target of ["/1", "/2", "/3"]) {
      client.clientSend(GET(target));
      await server.settle();
    }
    expect(parseResponses(client.received).map(({ body }) => body)).toEqual([
      "GET /1 ",
      "GET /2 ",
      "GET /3 ",
    ]);
    expect(client.ended).toBe(false);
  });

  test("a head that comes byte by byte is refused as soon as no end can make it good", async () => {
    for (const [begin, wrong] of [
      ["GE", "\x01"],
      ["GET / HTTP/1.1\r\nHost: a\r\nX: b", "\x00"],
      ["GET / HTTP/1.1\r\nHost: a\r\nX: b", "\x7f"],
      ["GET / HTTP/1.1\r\nHost: a\r\nX: b\r", "c"],
      ["GET / HTTP/1.1\r\nHost: a\r\nX: b", "\rc"],
      ["GET / HTTP/1.1\r", "\r"],
    ] as const) {
      const server = await fakeServer(echo);
      const client = server.connect();
      for (const byte of begin) {
        client.clientSend(byte);
        await server.settle();
      }
      expect(client.received.byteLength).toBe(0);
      client.clientSend(wrong);
      await server.settle();
      expect([begin + wrong, client.received.toString("latin1").slice(0, 12)]).toEqual([
        begin + wrong,
        "HTTP/1.1 400",
      ]);
    }
    const server = await fakeServer(echo);
    const client = server.connect();
    for (const byte of GET("/good", "X: a\tb", "Y: \xe9")) {
      client.clientSend(byte);
      await server.settle();
    }
    expect(parseResponses(client.received).map(({ body }) => body)).toEqual(["GET /good "]);
  });

  test("pipelined requests are answered in order, however long each takes", async () => {
    const waits: (() => void)[] = [];
    const server = await fakeServer(async (request) => {
      await new Promise<void>((resolve) => waits.push(resolve));
      return textPlan(request.target);
    });
    const client = server.connect();
    client.clientSend(GET("/1") + GET("/2") + GET("/3"));
    await server.settle();
    expect(waits.length).toBe(1);
    for (let i = 0; i < 3; i++) {
      waits[i]!();
      await server.settle();
    }
    expect(parseResponses(client.received).map(({ body }) => body)).toEqual(["/1", "/2", "/3"]);
  });

  test.each([1, 10, 150])(
    "a request behind a handler waits for it, though an answer before it leaves in pieces (%d bytes)",
    async (window) => {
      const waits: (() => void)[] = [];
      const lines: string[] = [];
      const server = await fakeServer(
        (request) =>
          request.target === "/2"
            ? new Promise((resolve) => waits.push(() => resolve(textPlan("/2", 201))))
            : textPlan(request.target),
        { accessLog: { format: "combined", write: (line) => void lines.push(String(line)) } },
      );
      const client = server.connect(window);
      client.clientSend(GET("/1") + GET("/2") + GET("/3"));
      await server.settle();
      client.clientRead(10_000);
      await server.settle();
      expect(parseResponses(client.received).map(({ body }) => body)).toEqual(["/1"]);
      for (const wait of waits) wait();
      await server.settle();
      expect(waits.length).toBe(1);
      expect(parseResponses(client.received).map(({ body }) => body)).toEqual(["/1", "/2", "/3"]);
      client.clientEnd();
      await server.app.close();
      const statuses = lines.flatMap((text) => text.match(/"GET \/\d HTTP\/1.1" \d+/g) ?? []);
      expect(statuses.sort()).toEqual([1, 2, 3].map((i) => `"GET /${i} HTTP/1.1" ${i === 2 ? 201 : 200}`));
    },
  );

  test("the beginning of a head behind answers that wait opens the connection for no more", async () => {
    const server = await fakeServer((request) => textPlan(request.target));
    // Less than one answer; then enough for the first, but not for the second.
    const client = server.connect(60);
    client.clientSend(`${GET("/0")}${GET("/1")}GE`);
    expect(client.paused).toBe(true);
    client.clientRead(60);
    expect(client.paused).toBe(true);
    // Twice what is received at a time.
    const more = Array.from({ length: 5000 }, (_, i) => GET(`/${i + 3}`)).join("");
    client.clientSend(`${GET("/2").slice(2)}${more}`);
    for (let i = 0; i < 50; i++) {
      client.clientRead(10_000);
      await server.settle();
    }
    const bodies = parseResponses(client.received).map(({ body }) => body);
    expect(bodies).toEqual(Array.from({ length: 5003 }, (_, i) => `/${i}`));
  });

  test("100 Continue comes behind an answer that leaves in pieces, not into the middle of it", async () => {
    let wanted: (() => void) | undefined;
    const server = await fakeServer((request) =>
      request.method === "GET"
        ? textPlan("first")
        : new Promise<void>((resolve) => (wanted = resolve))
            .then(() => request.text())
            .then((body) => textPlan(body)),
    );
    const client = server.connect(60);
    client.clientSend(
      `${GET("/")}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`,
    );
    await server.settle();
    wanted!();
    await server.settle();
    client.clientRead(10_000);
    await server.settle();
    client.clientSend("body");
    await server.settle();
    expect(parseResponses(client.received).map(({ status, body }) => [status, body])).toEqual([
      [200, "first"],
      [100, ""],
      [200, "body"],
    ]);
  });

  test("answers that are ready at once leave in one write", async () => {
    const server = await fakeServer((request) => textPlan(request.target));
    const client = server.connect();
    let writes = 0;
    const flush = client.flush.bind(client);
    client.flush = (batch, more) => {
      writes++;
      return flush(batch, more);
    };
    client.clientSend(Array.from({ length: 16 }, (_, i) => GET(`/${i}`)).join(""));
    expect(parseResponses(client.received).length).toBe(16);
    expect(writes).toBe(1);
  });

  test("ten thousand pipelined requests are all answered", async () => {
    const server = await fakeServer((request) => textPlan(request.target));
    const client = server.connect();
    client.clientSend(Array.from({ length: 10_000 }, (_, i) => GET(`/${i}`)).join(""));
    await server.settle();
    const answers = parseResponses(client.received);
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 10_000 }, (_, i) => `/${i}`));
  });

  test("Connection: close ends after the answer; what follows is not served", async () => {
    const server = await fakeServer((request) => textPlan(request.target));
    const client = server.connect();
    client.clientSend(GET("/1", "Connection: close") + GET("/2"));
    await server.settle();
    const answers = parseResponses(client.received);
    expect(answers.map(({ body }) => body)).toEqual(["/1"]);
    expect(answers[0]!.fields.connection).toBe("close");
    expect(client.ended).toBe(true);
    client.clientEnd();
    expect(client.closed).toBe(true);
  });

  test("HTTP/1.0 closes unless keep-alive was asked, and says what it does", async () => {
    const server = await fakeServer((request) => textPlan(request.target));
    const plain = server.connect();
    plain.clientSend("GET /a HTTP/1.0\r\n\r\n");
    expect(parseResponses(plain.received)[0]!.fields.connection).toBe("close");
    expect(plain.ended).toBe(true);
    const kept = server.connect();
    kept.clientSend("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(parseResponses(kept.received)[0]!.fields.connection).toBe("keep-alive");
    expect(kept.ended).toBe(false);
  });

  test("maxRequestsPerConnection closes after the last one", async () => {
    const server = await fakeServer((request) => textPlan(request.target), { maxRequestsPerConnection: 2 });
    const client = server.connect();
    client.clientSend(GET("/1") + GET("/2") + GET("/3"));
    const answers = parseResponses(client.received);
    expect(answers.map(({ fields }) => fields.connection)).toEqual([undefined, "close"]);
  });

  test("a half-closed client gets the answers to everything it sent", async () => {
    const server = await fakeServer(echo);
    const client = server.connect();
    client.clientSend(GET("/1") + GET("/2"));
    client.clientEnd();
    await server.settle();
    expect(parseResponses(client.received).map(({ body }) => body)).toEqual(["GET /1 ", "GET /2 "]);
    expect(client.closed).toBe(true);
  });
});

describe("any split gives the same answers", () => {
  const conversation = Buffer.from(
    GET("/first?x=1", "X-Long: some value") +
      "POST /counted HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world" +
      "POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: 1\r\n\r\n" +
      "\r\nHEAD /last HTTP/1.1\r\nHost: a\r\n\r\n",
    "latin1",
  );
  const expected = ["GET /first?x=1 ", "POST /counted hello world", "POST /chunked hello world", ""];

  test("cut once at every byte", async () => {
    const server = await fakeServer(echo);
    for (let cut = 1; cut < conversation.byteLength; cut++) {
      const client = server.connect();
      client.clientSend(conversation.subarray(0, cut));
      await server.settle();
      client.clientSend(conversation.subarray(cut));
      await server.settle();
      expect(
        parseResponses(client.received, [3]).map(({ body }) => body),
        `cut at ${cut}`,
      ).toEqual(expected);
      client.destroy();
    }
  });

  test("byte by byte", async () => {
    const server = await fakeServer(echo);
    const client = server.connect();
    for (const byte of conversation) client.clientSend(Buffer.of(byte));
    await server.settle();
    for (let i = 0; i < 20; i++) await server.settle();
    expect(parseResponses(client.received, [3]).map(({ body }) => body)).toEqual(expected);
  });

  test("writes that are short at every length lose nothing", async () => {
    for (const maxWriteBytes of [1, 2, 3, 7, 16, 100, 1000]) {
      const server = await fakeServer(echo);
      const client = server.connect();
      client.maxWriteBytes = maxWriteBytes;
      client.clientSend(conversation);
      for (let i = 0; i < 400 && parsedSafely(client.received) < 4; i++) await server.settle();
      expect(
        parseResponses(client.received, [3]).map(({ body }) => body),
        `${maxWriteBytes} bytes`,
      ).toEqual(expected);
    }
  });

  const parsedSafely = (bytes: Buffer): number => {
    try {
      const answers = parseResponses(bytes, [3]);
      return answers.every(({ body }, i) => body === expected[i]) ? answers.length : 0;
    } catch {
      return 0;
    }
  };
});

describe("requests that are refused", () => {
  const cases: [string, string, number][] = [
    ["400 for a malformed request line", "GET\r\n\r\n", 400],
    ["400 without Host (RFC 9112 §3.2)", "GET / HTTP/1.1\r\n\r\n", 400],
    ["414 for a request line beyond 8 KiB", `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ["431 for a head beyond 32 KiB", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(33_000)}\r\n\r\n`, 431],
    ["431 for more than 128 fields", `GET / HTTP/1.1\r\nHost: a\r\n${"X: 1\r\n".repeat(130)}\r\n`, 431],
    [
      "413 for a body beyond maxBodyBytes",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n",
      413,
    ],
    [
      "417 for an unknown expectation",
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n",
      417,
    ],
    [
      "501 for an unknown transfer coding",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      501,
    ],
    ["501 for CONNECT (RFC 9110 §9.3.6)", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501],
    ["505 for HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505],
  ];
  test.each(cases)("%s; nothing after it is served", async (_name, request, status) => {
    const server = await fakeServer(echo);
    const client = server.connect();
    client.clientSend(request + GET("/smuggled"));
    await server.settle();
    const answers = parseResponses(client.received);
    expect(answers.map((answer) => answer.status)).toEqual([status]);
    expect(answers[0]!.fields.connection).toBe("close");
    expect(client.ended).toBe(true);
  });

  test("an error after valid requests comes after their answers", async () => {
    const server = await fakeServer(echo);
    const client = server.connect();
    client.clientSend(`${GET("/1")}BAD\r\n\r\n${GET("/2")}`);
    await server.settle();
    expect(parseResponses(client.received).map(({ status }) => status)).toEqual([200, 400]);
  });

  test("a malformed chunk is answered 400 and closes", async () => {
    const server = await fakeServer(echo);
    const client = server.connect();
    client.clientSend(
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${GET("/smuggled")}`,
    );
    await server.settle();
    expect(parseResponses(client.received).map(({ status }) => status)).toEqual([400]);
    expect(client.ended).toBe(true);
  });

  test("a chunked body that grows beyond maxBodyBytes is answered 413", async () => {
    const server = await fakeServer(echo, { maxBodyBytes: 10 });
    const client = server.connect();
    client.clientSend(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n",
    );
    await server.settle();
    expect(parseResponses(client.received)[0]!.status).toBe(413);
  });

  test("a handler that throws is answered 500, reported, and the connection goes on", async () => {
    const errors: unknown[] = [];
    const server = await fakeServer((request) => {
      if (request.target === "/bad") throw new Error("secret detail");
      return textPlan("fine");
    });
    server.app.onError((error) => errors.push(error));
    const client = server.connect();
    client.clientSend(GET("/bad") + GET("/good"));
    await server.settle();
    const answers = parseResponses(client.received);
    expect(answers.map(({ status }) => status)).toEqual([500, 200]);
    expect(answers[0]!.body).not.toContain("secret");
    expect(errors).toHaveLength(1);
  });

  test("without a handler the answer is 404", async () => {
    const server = await fakeServer(undefined);
    const client = server.connect();
    client.clientSend(GET("/x"));
    expect(parseResponses(client.received)[0]!.status).toBe(404);
  });
});

describe("request bodies", () => {
  const POST = (length: number, ...lines: string[]): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

  test("100 Continue is sent when the handler asks for the body, and only then", async () => {
    const server = await fakeServer(echo);
    const client = server.connect();
    client.clientSend(POST(5, "Expect: 100-continue"));
    await server.settle();
    expect(client.received.toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.clientSend("hello");
    await server.settle();
    expect(parseResponses(client.received).map(({ status }) => status)).toEqual([100, 200]);
    const other = await fakeServer(() => textPlan("no", 403));
    const refused = other.connect();
    refused.clientSend(POST(5, "Expect: 100-continue"));
    const [answer] = parseResponses(refused.received);
    expect(answer!.status).toBe(403);
    expect(answer!.fields.connection).toBe("close");
  });

  test("a body that nobody reads is dropped and the connection goes on", async () => {
    const server = await fakeServer((request) => textPlan(request.target));
    const client = server.connect();
    client.clientSend(`${POST(1000)}${"x".repeat(500)}`);
    client.clientSend(`${"x".repeat(500)}${GET("/next")}`);
    expect(parseResponses(client.received).map(({ body }) => body)).toEqual(["/", "/next"]);
  });

  test("a large body that nobody reads closes the connection", async () => {
    const server = await fakeServer((request) => textPlan(request.target), { maxDiscardBytes: 100 });
    const client = server.connect();
    client.clientSend(POST(1000));
    expect(parseResponses(client.received)[0]!.fields.connection).toBe("close");
    expect(client.ended).toBe(true);
  });

  test("a slow reader makes the client wait: what is held is bounded", async () => {
    let release = (): void => {};
    let total = 0;
    const server = await fakeServer(
      async (request) => {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        for await (const chunk of request.body!) total += chunk.byteLength;
        return textPlan(String(total));
      },
      { maxBodyBytes: 10_000_000 },
    );
    const client = server.connect();
    client.clientSend(POST(3_000_000));
    for (let i = 0; i < 30; i++) client.clientSend(Buffer.alloc(100_000, "x"));
    await server.settle();
    expect(client.paused).toBe(true);
    release();
    for (let i = 0; i < 100; i++) await server.settle();
    expect(parseResponses(client.received)[0]!.body).toBe("3000000");
  });

  test("a client that leaves in the middle of a body rejects the reader", async () => {
    let failure: unknown;
    const server = await fakeServer(async (request) => {
      try {
        return textPlan(await request.text());
      } catch (error) {
        failure = error;
        throw error;
      }
    });
    const client = server.connect();
    client.clientSend(`${POST(100)}half`);
    await server.settle();
    client.clientReset();
    await server.settle();
    expect(failure).toMatchObject({ code: "TZ_SERVER_BODY_ABORTED" });
  });

  test("reading twice is an error that says so", async () => {
    const server = await fakeServer(async (request) => {
      await request.text();
      return request.text().then(
        () => textPlan("no error"),
        (error: { code: string }) => textPlan(error.code),
      );
    });
    const client = server.connect();
    client.clientSend(`${POST(2)}ab`);
    await server.settle();
    expect(parseResponses(client.received)[0]!.body).toBe("TZ_SERVER_BODY_USED");
  });
});

describe("answers", () => {
  test("103 Early Hints come before the answer, and not to an HTTP/1.0 client (RFC 8297)", async () => {
    const earlyHints = new ResponseHead(103, ["Link", "</app.css>; rel=preload; as=style"]);
    const server = await fakeServer(() => ({ ...textPlan("page"), earlyHints }));
    const client = server.connect();
    client.clientSend(GET("/") + GET("/"));
    await server.settle();
    const answers = parseResponses(client.received);
    expect(answers.map(({ status }) => status)).toEqual([103, 200, 103, 200]);
    expect(answers[0]!.fields.link).toBe("</app.css>; rel=preload; as=style");
    const old = server.connect();
    old.clientSend("GET / HTTP/1.0\r\n\r\n");
    await server.settle();
    expect(parseResponses(old.received).map(({ status }) => status)).toEqual([200]);
  });

  test("a HEAD request that is refused unread carries no body either", async () => {
    for (const text of [
      "HEAD ftp://y/a.txt HTTP/1.1\r\nHost: a\r\n\r\n",
      "HEAD /a.txt#part HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\nHEAD /a b HTTP/1.1\r\nHost: a\r\n\r\n",
      "HEAD / HTTP/1.1\r\n\r\n",
      "HEAD / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n",
      "HEAD / HTTP/1.1\r\nHo",
    ]) {
      const answers = await Promise.all(
        [text, text.replace("HEAD", "GET")].map(async (sent) => {
          const server = await fakeServer(echo);
          const client = server.connect();
          client.clientSend(sent);
          client.clientEnd();
          await server.settle();
          return Buffer.from(client.received).toString("latin1");
        }),
      );
      const heads = answers.map((answer) => answer.slice(0, answer.indexOf("\r\n\r\n") + 4));
      expect(answers[0], text).toMatch(/^HTTP\/1\.1 4\d\d .*\r\nContent-Length: [1-9]/s);
      expect(answers[0], text).toBe(heads[0]);
      expect(answers[1]!.length, text).toBeGreaterThan(heads[1]!.length);
    }
  });

  test("HEAD, 204 and 304 carry no body, whatever the plan says", async () => {
    const server = await fakeServer((request) => textPlan("body", Number(request.target.slice(1))));
    const client = server.connect();
    client.clientSend(`HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n${GET("/204")}${GET("/304")}${GET("/200")}`);
    const answers = parseResponses(client.received, [0]);
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [200, ""],
      [204, ""],
      [304, ""],
      [200, "body"],
    ]);
    expect(answers[0]!.fields["content-length"]).toBe("4");
  });

  test("there is one Date, and it follows the clock", async () => {
    const server = await fakeServer((request) => textPlan(request.target));
    const client = server.connect();
    client.clientSend(GET("/"));
    await server.pass(1000);
    client.clientSend(GET("/"));
    const dates = parseResponses(client.received).map(({ fields }) => fields.date);
    expect(dates).toEqual(["Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:01 GMT"]);
    expect(client.received.toString().match(/date:/gi)).toHaveLength(2);
  });

  const streamPlan = (chunks: AsyncIterable<Uint8Array>, length?: number) => ({
    head: new ResponseHead(200, length === undefined ? [] : ["Content-Length", String(length)]),
    body: { kind: "stream" as const, length, chunks },
  });

  test("a stream without length is chunked in 1.1 and ends the connection in 1.0", async () => {
    const server = await fakeServer(() =>
      streamPlan(
        (async function* () {
          yield Buffer.from("one ");
          yield Buffer.alloc(0);
          yield Buffer.from("two");
        })(),
      ),
    );
    const modern = server.connect();
    modern.clientSend(GET("/") + GET("/"));
    await server.settle();
    expect(parseResponses(modern.received).map(({ body }) => body)).toEqual(["one two", "one two"]);
    const old = server.connect();
    old.clientSend("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await server.settle();
    const [answer] = parseResponses(old.received);
    expect(answer).toMatchObject({ body: "one two" });
    expect(answer!.fields["transfer-encoding"]).toBeUndefined();
    expect(old.ended).toBe(true);
  });

  test("a stream waits for a client that does not read", async () => {
    let produced = 0;
    const server = await fakeServer(() =>
      streamPlan(
        (async function* () {
          for (let i = 0; i < 100; i++) {
            produced++;
            yield Buffer.alloc(10_000, "x");
          }
        })(),
      ),
    );
    const client = server.connect(50_000);
    client.clientSend(GET("/"));
    await server.settle();
    expect(produced).toBeLessThan(10);
    client.clientRead(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 50; i++) await server.settle();
    expect(parseResponses(client.received)[0]!.body.length).toBe(1_000_000);
  });

  test("a stream that fails, ends early or promised too little closes the connection without its end", async () => {
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("part");
      throw new Error("source failed");
    };
    const short = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("part");
    };
    for (const plan of [
      () => streamPlan(failing()),
      () => streamPlan(short(), 10),
      () => streamPlan(short(), 2),
    ]) {
      const server = await fakeServer(plan);
      const client = server.connect();
      client.clientSend(GET("/"));
      await server.settle();
      expect(client.closed).toBe(true);
      expect(client.received.toString().endsWith("\r\n0\r\n\r\n")).toBe(false);
    }
  });

  test("a client that leaves ends the stream's source", async () => {
    let ended = false;
    const server = await fakeServer(() =>
      streamPlan(
        (async function* () {
          try {
            for (;;) {
              await new Promise((resolve) => setImmediate(resolve));
              yield Buffer.from("x");
            }
          } finally {
            ended = true;
          }
        })(),
      ),
    );
    const client = server.connect();
    client.clientSend(GET("/"));
    await server.settle();
    client.clientReset();
    await server.settle();
    expect(ended).toBe(true);
  });

  test("every plan is released exactly once: sent, blocked, refused by the client, or late", async () => {
    let made = 0;
    let released = 0;
    const server = await fakeServer(async (request) => {
      if (request.target === "/late") await new Promise((resolve) => setTimeout(resolve, 5));
      made++;
      return Object.assign(textPlan("x".repeat(100_000)), { release: () => void released++ });
    });
    const sent = server.connect();
    sent.clientSend(GET("/") + GET("/"));
    const blocked = server.connect(10);
    blocked.clientSend(GET("/") + GET("/"));
    const failing = server.connect();
    failing.clientSend(GET("/"));
    failing.failNextWrite = 32;
    const late = server.connect();
    late.clientSend(GET("/late"));
    await server.settle();
    late.clientReset();
    blocked.clientReset();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await server.settle();
    expect(made).toBe(5);
    expect(released).toBe(made);
  });
});

describe("time", () => {
  const short = {
    headTimeoutMs: 100,
    bodyTimeoutMs: 100,
    idleTimeoutMs: 200,
    writeTimeoutMs: 100,
    minBodyBytesPerSecond: 0,
    minSendBytesPerSecond: 0,
    lingerTimeoutMs: 50,
  };

  test("a head that never ends is answered 408, however slowly it drips", async () => {
    const server = await fakeServer(echo, short);
    const client = server.connect();
    for (const piece of ["GET / H", "TTP/1.1\r\n", "Host: a\r\n", "X: 1\r\n"]) {
      client.clientSend(piece);
      await server.pass(40);
    }
    expect(parseResponses(client.received).map(({ status }) => status)).toEqual([408]);
    await server.pass(100);
    expect(client.closed).toBe(true);
  });

  test("a connection that sends nothing is closed without a word", async () => {
    const server = await fakeServer(echo, short);
    const client = server.connect();
    await server.pass(250);
    expect(client.received.byteLength).toBe(0);
    expect(client.closed).toBe(true);
  });

  test("an idle connection is closed after idleTimeoutMs, not before", async () => {
    const server = await fakeServer(echo, short);
    const client = server.connect();
    for (let i = 0; i < 5; i++) {
      client.clientSend(GET("/"));
      await server.settle();
      await server.pass(150);
      expect(client.ended, `request ${i}`).toBe(false);
    }
    await server.pass(150);
    expect(client.ended).toBe(true);
  });

  test("a body that stops is answered 408", async () => {
    const server = await fakeServer(echo, short);
    const client = server.connect();
    client.clientSend("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    await server.pass(90);
    client.clientSend("x");
    await server.settle();
    await server.pass(90);
    expect(client.received.byteLength).toBe(0);
    await server.pass(50);
    expect(parseResponses(client.received)[0]!.status).toBe(408);
  });

  test("a client that does not take its answer is cut", async () => {
    const server = await fakeServer(() => textPlan("x".repeat(200_000)), short);
    const client = server.connect(1000);
    client.clientSend(GET("/"));
    await server.pass(50);
    client.clientRead(1000);
    await server.pass(90);
    expect(client.closed).toBe(false);
    await server.pass(60);
    expect(client.closed).toBe(true);
  });

  test("a handler may take its time", async () => {
    let finish = (): void => {};
    const server = await fakeServer(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return textPlan("done");
    }, short);
    const client = server.connect();
    client.clientSend(GET("/"));
    await server.pass(1000);
    finish();
    await server.settle();
    expect(parseResponses(client.received)[0]!.body).toBe("done");
    expect(client.ended).toBe(false);
  });

  test("no timer is left behind", async () => {
    const server = await fakeServer(echo, short);
    for (let i = 0; i < 20; i++) {
      const client = server.connect();
      client.clientSend(GET("/"));
      await server.settle();
      if (i % 2 === 0) client.clientReset();
    }
    await server.pass(1000);
    expect(server.loop.connections).toBe(0);
    expect(server.loop.timers.size).toBe(0);
  });
});

describe("stopping", () => {
  test("finishes what is in flight, closes what is idle, refuses what is new", async () => {
    let finish = (): void => {};
    const server = await fakeServer(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return textPlan("done");
    });
    const idle = server.connect();
    const busy = server.connect();
    busy.clientSend(GET("/"));
    await server.settle();
    const closed = server.app.close({ timeoutMs: 5000 });
    await server.settle();
    expect(idle.ended).toBe(true);
    expect(busy.ended).toBe(false);
    expect(() => server.connect()).toThrow("ECONNREFUSED");
    finish();
    await server.settle();
    expect(parseResponses(busy.received)[0]).toMatchObject({ body: "done", fields: { connection: "close" } });
    idle.clientEnd();
    busy.clientEnd();
    await closed;
    expect(server.loop.connections).toBe(0);
  });

  test("cuts what does not finish in time", async () => {
    const server = await fakeServer(() => new Promise(() => {}));
    const client = server.connect();
    client.clientSend(GET("/"));
    await server.app.close({ timeoutMs: 30 });
    expect(client.closed).toBe(true);
  });

  test("listen after close says so", async () => {
    const server = await fakeServer(echo);
    await server.app.close();
    await expect(server.app.listen({ port: 1 })).rejects.toMatchObject({ code: "TZ_SERVER_STATE" });
  });
});
