import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import type { ServerOptions } from "../options.js";
import { AddressSet } from "./address-set.js";
import { parseProxyHeader } from "./proxy-header.js";

test("a set knows addresses, ranges and names, and IPv4 within IPv6", () => {
  const set = new AddressSet(["192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "loopback"]);
  for (const inside of ["192.0.2.7", "10.255.0.1", "2001:db8:1::1", "127.0.0.9", "::1", "::ffff:10.0.0.1"]) {
    expect(set.has(inside), inside).toBe(true);
  }
  for (const outside of ["192.0.2.8", "11.0.0.1", "2001:db9::1", "::2", "", "unknown", "::ffff:11.0.0.1"]) {
    expect(set.has(outside), outside).toBe(false);
  }
  for (const bad of ["10.0.0.0/33", "10.0.0", "a", "10.0.0.0/8/8", "::/129", "10.0.0.0/", "toString"]) {
    expect(() => new AddressSet([bad]), bad).toThrow(/is no address/);
  }
});

async function clientOf(options: ServerOptions, ...lines: string[]): Promise<unknown> {
  const server = await fakeServer((request) => request.client, options);
  const client = server.connect();
  client.clientSend(`${["GET / HTTP/1.1", "Host: here:1", ...lines].join("\r\n")}\r\n\r\n`);
  return JSON.parse(parseResponses(client.received)[0]!.body);
}

/** The fake loop's peer. */
const PEER = "192.0.2.1";
const peer = { address: PEER, scheme: "http", host: "here:1" };

describe("forwarded fields", () => {
  const trustedProxies = [PEER, "10.0.0.0/8"];

  test("an untrusted peer is not believed", async () => {
    const lines = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "Forwarded: for=203.0.113.9"];
    expect(await clientOf({}, ...lines)).toEqual(peer);
    expect(await clientOf({ trustedProxies: ["10.0.0.1"] }, ...lines)).toEqual(peer);
  });

  test.each<[string, ServerOptions["forwardedBy"], string[], object]>([
    ["nothing said", "x-forwarded", [], peer],
    ["one hop", "x-forwarded", ["X-Forwarded-For: 203.0.113.9"], { address: "203.0.113.9" }],
    [
      "the rightmost untrusted one, not what the client forged",
      "x-forwarded",
      ["X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.0.0.2"],
      { address: "203.0.113.9" },
    ],
    [
      "lines joined",
      "x-forwarded",
      ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.0.0.2"],
      { address: "203.0.113.9" },
    ],
    [
      "scheme and host",
      "x-forwarded",
      ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: example.org"],
      { address: "203.0.113.9", scheme: "https", host: "example.org" },
    ],
    [
      "a forged scheme in front of the proxy's own",
      "x-forwarded",
      ["X-Forwarded-For: 1.1.1.1, 203.0.113.9", "X-Forwarded-Proto: https, http"],
      { address: "203.0.113.9", scheme: "http" },
    ],
    ["with a port", "x-forwarded", ["X-Forwarded-For: 203.0.113.9:4711"], { address: "203.0.113.9" }],
    ["what is no address", "x-forwarded", ["X-Forwarded-For: 203.0.113.9, <script>"], { address: "" }],
    [
      "a bad host and scheme",
      "x-forwarded",
      ["X-Forwarded-Host: a/b", "X-Forwarded-Proto: gopher"],
      { host: "here:1", scheme: "http" },
    ],
    ["the other kind is not read", "x-forwarded", ["Forwarded: for=203.0.113.9"], peer],
    ["the other kind is not read", "forwarded", ["X-Forwarded-For: 203.0.113.9"], peer],
    [
      "Forwarded",
      "forwarded",
      [
        'Forwarded: for=1.1.1.1, For="[2001:db8::7]:80";proto=HTTPS;host="example.org", for=10.0.0.2;proto=http',
      ],
      { address: "2001:db8::7", scheme: "https", host: "example.org" },
    ],
    ["hidden", "forwarded", ["Forwarded: for=_hidden;proto=https"], { address: "", scheme: "https" }],
    ["unreadable", "forwarded", ['Forwarded: for=203.0.113.9, for="open'], peer],
  ])("%s (%s)", async (_name, forwardedBy, lines, expected) => {
    expect(await clientOf({ trustedProxies, forwardedBy: forwardedBy! }, ...lines)).toMatchObject(expected);
  });

  test("no field makes the walk fail or pass an untrusted address", () => {
    const set = new AddressSet(trustedProxies);
    expect(set.has("203.0.113.1")).toBe(false);
    return fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'for=;, "\\[]:.1a') }), async (junk) => {
        for (const forwardedBy of ["forwarded", "x-forwarded"] as const) {
          const name = forwardedBy === "forwarded" ? "Forwarded: " : "X-Forwarded-For: ";
          const last = forwardedBy === "forwarded" ? "for=203.0.113.1" : "203.0.113.1";
          const { address } = (await clientOf(
            { trustedProxies, forwardedBy },
            `${name}${junk}, ${last}`,
          )) as {
            address: string;
          };
          expect(["203.0.113.1", PEER]).toContain(address);
        }
      }),
      { numRuns: 60 },
    );
  });
});

function v2(command: number, family: number, addresses: readonly number[], extra = 0): Buffer {
  const length = addresses.length + extra;
  const fixed = [0x20 | command, (family << 4) | 1, length >> 8, length & 255];
  return Buffer.concat([
    Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"),
    Buffer.from([...fixed, ...addresses]),
    Buffer.alloc(extra),
  ]);
}

const v4Addresses = [203, 0, 113, 9, 10, 0, 0, 1, 0x12, 0x67, 0, 80];
const v6Addresses = [
  0x20,
  1,
  0xd,
  0xb8,
  ...new Array(11).fill(0),
  7,
  ...new Array(16).fill(0),
  0x12,
  0x67,
  0,
  80,
];

describe("PROXY protocol", () => {
  const good: [string, Buffer, string | undefined][] = [
    ["v1 TCP4", Buffer.from("PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n"), "203.0.113.9"],
    ["v1 TCP6", Buffer.from("PROXY TCP6 2001:db8::7 ::1 4711 80\r\n"), "2001:db8::7"],
    ["v1 UNKNOWN", Buffer.from("PROXY UNKNOWN what ever\r\n"), undefined],
    ["v2 TCP4", v2(1, 1, v4Addresses), "203.0.113.9"],
    ["v2 TCP4 with extensions", v2(1, 1, v4Addresses, 50), "203.0.113.9"],
    ["v2 TCP6", v2(1, 2, v6Addresses), "2001:db8:0:0:0:0:0:7"],
    ["v2 LOCAL", v2(0, 1, v4Addresses), undefined],
    ["v2 UNIX", v2(1, 3, new Array(216).fill(0)), undefined],
  ];

  test.each(good)("%s is read whole, and asks for more when it is cut", (_name, bytes, address) => {
    const more = Buffer.concat([bytes, Buffer.from("GET /")]);
    expect(parseProxyHeader(more)).toEqual({
      byteLength: bytes.byteLength,
      remoteAddress: address,
      remotePort: address === undefined ? 0 : 4711,
    });
    for (let length = 0; length < bytes.byteLength; length++)
      expect(parseProxyHeader(bytes.subarray(0, length))).toBe(0);
  });

  test.each([
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["TLS", Buffer.from([0x16, 3, 1, 0, 5])],
    ["v1 bad address", Buffer.from("PROXY TCP4 300.0.113.9 10.0.0.1 1 2\r\n")],
    ["v1 family", Buffer.from("PROXY TCP4 ::1 ::1 1 2\r\n")],
    ["v1 bad port", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n")],
    ["v1 leading zero", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n")],
    ["v1 more", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n")],
    ["v1 endless", Buffer.from(`PROXY UNKNOWN ${"x".repeat(200)}`)],
    ["v2 version", Buffer.concat([v2(1, 1, v4Addresses).fill(0x31, 12, 13)])],
    ["v2 command", v2(2, 1, v4Addresses)],
    ["v2 short", v2(1, 1, [1, 2, 3, 4])],
    ["v2 family", v2(1, 7, v4Addresses)],
    ["v2 huge", v2(1, 1, v4Addresses, 60_000)],
  ])("%s is refused", (_name, bytes) => {
    expect(parseProxyHeader(bytes)).toBe(-1);
  });

  test.each(good)("%s before a request, in one piece or byte by byte", async (_name, bytes, address) => {
    for (const pieceBytes of [1000, 1]) {
      const server = await fakeServer((request) => `${request.remoteAddress} ${request.client.address}`, {
        proxyProtocol: true,
        trustedProxies: [PEER],
      });
      const client = server.connect();
      const all = Buffer.concat([bytes, Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]);
      for (let at = 0; at < all.byteLength; at += pieceBytes)
        client.clientSend(all.subarray(at, at + pieceBytes));
      const expected = address ?? PEER;
      expect(parseResponses(client.received)[0]!.body).toBe(`${expected} ${expected}`);
    }
  });

  test("a connection without a header, or of a peer that is not trusted, is closed without an answer", async () => {
    const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const [trustedProxies, bytes] of [
      [[PEER], request],
      [["10.0.0.1"], `PROXY UNKNOWN\r\n${request}`],
    ] as const) {
      const server = await fakeServer(() => "x", { proxyProtocol: true, trustedProxies });
      const client = server.connect();
      await server.settle();
      if (!client.closed) client.clientSend(bytes);
      expect(client.closed).toBe(true);
      expect(client.received.byteLength).toBe(0);
    }
  });
});

test("the README names the options that are no numbers", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  for (const name of ["loop", "trustedProxies", "forwardedBy", "proxyProtocol"])
    expect(readme).toContain(`| \`${name}\` |`);
});
