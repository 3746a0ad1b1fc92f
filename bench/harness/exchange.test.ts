import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { exchange, parseAnswer } from "./exchange.js";

const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 3\r\n\r\nabc";

test("an answer is whole when its length says so, at any cut", () => {
  for (let cut = 0; cut < answer.length; cut++)
    expect(parseAnswer(Buffer.from(answer.slice(0, cut)))).toBeUndefined();
  const parsed = parseAnswer(Buffer.from(`${answer}HTTP/1.1 500`));
  expect(parsed).toMatchObject({ status: 200, byteLength: answer.length });
  expect(parsed?.body.toString()).toBe("abc");
  expect(parsed?.fields.get("content-type")).toBe("text/css");
});

const listen = (reply: string): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.once("data", () => socket.end(reply)));
    onTestFinished(() => void server.close());
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });

test("an answer that ends early is an error", async () => {
  const port = await listen(answer.slice(0, -1));
  await expect(exchange(port, "GET / HTTP/1.1\r\n\r\n")).rejects.toThrow(/before the end/);
});

test("a whole answer comes back", async () => {
  const port = await listen(answer);
  expect((await exchange(port, "GET / HTTP/1.1\r\n\r\n")).status).toBe(200);
});
