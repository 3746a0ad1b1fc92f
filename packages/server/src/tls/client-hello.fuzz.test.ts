import fc from "fast-check";
import { expect, test } from "vitest";
import { HELLO_INCOMPLETE, HELLO_UNREADABLE, MAX_HELLO_BYTES, parseClientHello } from "./client-hello.js";

const vector = (lengthBytes: 1 | 2, content: Buffer): Buffer => {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(content.byteLength, 0, lengthBytes);
  return Buffer.concat([length, content]);
};
const extension = (type: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(2, content)]);
const latin1 = (text: string) => Buffer.from(text, "latin1");

interface Parts {
  readonly name: string;
  readonly protocols: readonly string[];
  readonly ticket: Uint8Array;
  readonly others: readonly (readonly [number, Uint8Array])[];
  readonly session: Uint8Array;
  readonly suites: Uint8Array;
}

function encode({ name, protocols, ticket, others, session, suites }: Parts): Buffer {
  const known = [
    ...(name === ""
      ? []
      : [extension(0, vector(2, Buffer.concat([Buffer.from([0]), vector(2, latin1(name))])))]),
    ...(protocols.length === 0
      ? []
      : [extension(16, vector(2, Buffer.concat(protocols.map((one) => vector(1, latin1(one))))))]),
    extension(35, Buffer.from(ticket)),
  ];
  const extensions = [...others.map(([type, content]) => extension(type, Buffer.from(content))), ...known];
  const body = Buffer.concat([
    Buffer.alloc(34, 3),
    vector(1, Buffer.from(session)),
    vector(2, Buffer.from(suites)),
    vector(1, Buffer.from([0])),
    vector(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.alloc(4);
  message.writeUInt32BE((1 << 24) + body.byteLength);
  return Buffer.concat([Buffer.from([22, 3, 1]), vector(2, Buffer.concat([message, body]))]);
}

const parts = fc.record<Parts>({
  name: fc.stringMatching(/^[a-z0-9.-]{0,60}$/),
  protocols: fc.array(fc.stringMatching(/^[a-z0-9/.]{1,20}$/), { maxLength: 8 }),
  ticket: fc.uint8Array({ maxLength: 300 }),
  // Not among those that are read.
  others: fc.array(fc.tuple(fc.integer({ min: 100, max: 65_535 }), fc.uint8Array({ maxLength: 50 })), {
    maxLength: 10,
  }),
  session: fc.uint8Array({ maxLength: 32 }),
  suites: fc.uint8Array({ minLength: 2, maxLength: 60 }),
});

test("what was written is read", () => {
  fc.assert(
    fc.property(parts, (each) => {
      const bytes = encode(each);
      expect(parseClientHello(bytes, 0, bytes.byteLength)).toEqual({
        serverName: each.name,
        protocols: each.protocols,
        ticketKeyName:
          each.ticket.byteLength < 16 ? "" : Buffer.from(each.ticket.subarray(0, 16)).toString("latin1"),
      });
    }),
    { numRuns: 500 },
  );
});

test("whatever is changed or cut: an answer, within bounds, without an exception", () => {
  const change = fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
  fc.assert(
    fc.property(parts, change, fc.nat(2000), (each, changes, cut) => {
      const bytes = encode(each);
      for (const [at, value] of changes) bytes[at % bytes.byteLength] = value;
      const end = Math.min(cut, bytes.byteLength);
      const result = parseClientHello(bytes, 0, end);
      if (result === HELLO_INCOMPLETE || result === HELLO_UNREADABLE) return;
      expect(result.serverName.length).toBeLessThanOrEqual(255);
      expect(result.protocols.length).toBeLessThanOrEqual(32);
      expect([0, 16]).toContain(result.ticketKeyName.length);
    }),
    { numRuns: 3000 },
  );
});

test("random bytes", () => {
  const header = fc.constantFrom(
    Buffer.alloc(0),
    Buffer.from([22, 3, 1]),
    Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196]),
  );
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: MAX_HELLO_BYTES }), (first, rest) => {
      const bytes = Buffer.concat([first, rest]);
      parseClientHello(bytes, 0, bytes.byteLength);
    }),
    { numRuns: 1000 },
  );
});
