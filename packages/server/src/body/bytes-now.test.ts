import { expect, test } from "vitest";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import type { Handler } from "../server-core.js";

/** Says whether the body was there at once. */
const how: Handler = (request) => {
  const bytes = request.bytesNow();
  return bytes === undefined
    ? request.text().then((text) => `later ${text}`)
    : `now ${Buffer.from(bytes).toString()}`;
};

const head = (length: number, fields = "") =>
  `POST / HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${length}\r\n\r\n`;

async function answersTo(...pieces: string[]): Promise<string[]> {
  const server = await fakeServer(how, { maxBodyBytes: 100 });
  const client = server.connect();
  for (const piece of pieces) {
    client.clientSend(piece);
    await server.settle();
  }
  return parseResponses(client.received).map(({ status, body }) => `${status} ${body}`);
}

test("a body that comes with its head is there at once; pipelined ones too", async () => {
  expect(await answersTo(`${head(3)}abc${head(0)}${head(2)}de`)).toEqual([
    "200 now abc",
    "200 now ",
    "200 now de",
  ]);
});

test("a body that comes in pieces must be awaited", async () => {
  expect(await answersTo(`${head(3)}ab`, `c${head(1)}x`)).toEqual(["200 later abc", "200 now x"]);
  expect(await answersTo(head(3), "abc")).toEqual(["200 later abc"]);
});

test("so must a chunked one, one behind Expect, and one with a content coding", async () => {
  const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
  expect(await answersTo(chunked)).toEqual(["200 later x"]);
  expect(await answersTo(`${head(1, "Content-Encoding: identity\r\n")}x`)).toEqual(["200 later x"]);
  expect(await answersTo(head(1, "Expect: 100-continue\r\n"), "x")).toEqual(["100 ", "200 later x"]);
});

test("more than maxBodyBytes is 413, and the next request is answered", async () => {
  const answers = await answersTo(`${head(101)}${"a".repeat(101)}${head(1)}x`);
  expect(answers.map((answer) => answer.slice(0, 9))).toEqual([expect.stringMatching(/^413 /), "200 now x"]);
});

test("a body is taken once", async () => {
  const server = await fakeServer((request) => {
    request.bytesNow();
    return request.text();
  });
  const client = server.connect();
  client.clientSend(`${head(1)}x`);
  await server.settle();
  expect(parseResponses(client.received)[0]?.status).toBe(500);
});

test("a body that nobody reads does not disturb the next request", async () => {
  const server = await fakeServer(() => "ok");
  const client = server.connect();
  client.clientSend(`${head(3)}abc${head(3)}abc`);
  await server.settle();
  expect(parseResponses(client.received).map(({ status }) => status)).toEqual([200, 200]);
});
