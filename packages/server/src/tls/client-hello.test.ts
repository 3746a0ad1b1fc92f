import { Duplex } from "node:stream";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { HELLO_INCOMPLETE, HELLO_UNREADABLE, MAX_HELLO_BYTES, parseClientHello } from "./client-hello.js";

/** What Node's own client sends first. */
function helloOf(options: { servername?: string; ALPNProtocols?: string[] }): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk);
        done();
      },
    });
    connect({ socket: wire, ...options }).on("error", () => {});
  });
}

const parse = (bytes: Uint8Array) => parseClientHello(bytes, 0, bytes.byteLength);

test("name and protocols of a real ClientHello", async () => {
  const bytes = await helloOf({ servername: "WWW.Example.com", ALPNProtocols: ["h2", "http/1.1"] });
  expect(parse(bytes)).toEqual({
    serverName: "www.example.com",
    protocols: ["h2", "http/1.1"],
    ticketKeyName: "",
  });
  expect(parse(await helloOf({}))).toEqual({ serverName: "", protocols: [], ticketKeyName: "" });
});

test("it may lie anywhere, and other bytes may follow", async () => {
  const bytes = await helloOf({ servername: "a.test" });
  const memory = Buffer.concat([Buffer.alloc(100, 0xff), bytes, Buffer.alloc(50, 0xff)]);
  expect(parseClientHello(memory, 100, memory.byteLength)).toMatchObject({ serverName: "a.test" });
});

test("every beginning is incomplete, not unreadable", async () => {
  const bytes = await helloOf({ servername: "a.test", ALPNProtocols: ["http/1.1"] });
  for (let end = 0; end < bytes.byteLength; end++) {
    expect(parseClientHello(bytes, 0, end)).toBe(HELLO_INCOMPLETE);
  }
});

test("a message cut into several records is put together", async () => {
  const bytes = await helloOf({ servername: "a.test" });
  const message = bytes.subarray(5);
  const records = [];
  for (let at = 0; at < message.byteLength; at += 3) {
    const part = message.subarray(at, at + 3);
    records.push(Buffer.from([22, 3, 1, 0, part.byteLength]), part);
  }
  expect(parse(Buffer.concat(records))).toMatchObject({ serverName: "a.test" });
});

test.each([
  ["plain HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
  ["another record", Buffer.from([23, 3, 3, 0, 1, 0])],
  ["another major version", Buffer.from([22, 2, 0, 0, 1, 1])],
  ["an empty record", Buffer.from([22, 3, 1, 0, 0, 22])],
  ["a record that is too long", Buffer.from([22, 3, 1, 0xff, 0xff, 1])],
  ["another message", Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
  ["a message that is too long", Buffer.from([22, 3, 1, 0, 4, 1, 0, (MAX_HELLO_BYTES >> 8) + 1, 0])],
  ["a message too short for its fields", Buffer.from([22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3])],
])("%s is unreadable", (_name, bytes) => {
  expect(parse(bytes)).toBe(HELLO_UNREADABLE);
});
