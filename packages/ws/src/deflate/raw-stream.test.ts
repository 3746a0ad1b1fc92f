import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WsError } from "../errors.js";
import { createHandleStream, handleStreamsWork } from "./handle-stream.js";
import { OneShotStream } from "./one-shot-stream.js";
import type { RawStream, RawStreamOptions } from "./raw-stream.js";

const BASE: RawStreamOptions = {
  kind: "deflate",
  windowBits: 15,
  level: 3,
  memoryLevel: 8,
  runLengthOnly: false,
  outputBytesMax: 1 << 20,
};

/** Runs an input through, with little room for the output at a time. */
function runAll(stream: RawStream, input: Uint8Array, room = 64): Buffer {
  const output: Buffer[] = [];
  const piece = Buffer.alloc(room);
  for (let at = 0; ; ) {
    stream.step(input, at, input.length, piece, 0, piece.length, true);
    at += stream.taken;
    output.push(Buffer.from(piece.subarray(0, stream.made)));
    if (stream.made < room) return Buffer.concat(output);
  }
}

test("this runtime's zlib objects can be worked by hand", () => {
  expect(handleStreamsWork()).toBe(true);
});

const KINDS = [
  ["the zlib handle", createHandleStream],
  ["one-shot functions", (options: RawStreamOptions): RawStream => new OneShotStream(options)],
] as const;

describe.each(KINDS)("raw streams of %s", (_name, create) => {
  test("messages come back, each with the window of those before it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 300 }), { maxLength: 6 }),
        fc.integer({ min: 9, max: 15 }),
        (texts, windowBits) => {
          const deflate = create({ ...BASE, windowBits });
          const inflate = create({ ...BASE, kind: "inflate", windowBits });
          for (const text of texts.filter(Boolean)) {
            const packed = runAll(deflate, Buffer.from(text));
            expect(packed.subarray(-4).toString("hex")).toBe("0000ffff");
            expect(runAll(inflate, packed).toString()).toBe(text);
          }
          deflate.close();
          inflate.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a message that repeats the one before is short, until the stream is reset", () => {
    const stream = create(BASE);
    const text = Buffer.from("a sentence that is not made of repeated parts: 0123456789");
    const first = runAll(stream, text).length;
    expect(runAll(stream, text).length).toBeLessThan(first / 3);
    stream.reset();
    expect(runAll(stream, text).length).toBe(first);
    stream.close();
  });

  test("what is not DEFLATE data is an error", () => {
    const stream = create({ ...BASE, kind: "inflate" });
    expect(() => runAll(stream, Buffer.from("ffffffff", "hex"))).toThrow(
      expect.objectContaining({ code: "TZ_WS_INFLATE", closeCode: 1007 }),
    );
    stream.close();
  });
});

test("both kinds read what the other writes", () => {
  const text = Buffer.from(JSON.stringify(process.versions).repeat(50));
  const handle = createHandleStream(BASE);
  const oneShot = new OneShotStream(BASE);
  for (let i = 0; i < 3; i++) {
    const [a, b] = [runAll(handle, text), runAll(oneShot, text)];
    expect(a.length).toBeLessThan(text.length / 5);
    expect(b.length).toBeLessThan(text.length / 5);
  }
  handle.reset();
  oneShot.reset();
  const read = new OneShotStream({ ...BASE, kind: "inflate" });
  expect(runAll(read, runAll(handle, text)).equals(text)).toBe(true);
  const readByHandle = createHandleStream({ ...BASE, kind: "inflate" });
  expect(runAll(readByHandle, runAll(oneShot, text)).equals(text)).toBe(true);
  for (const stream of [handle, readByHandle]) stream.close();
});

test("one-shot functions stop at the limit of the output", () => {
  const stream = new OneShotStream({ ...BASE, kind: "inflate", outputBytesMax: 1000 });
  const bomb = deflateRawSync(Buffer.alloc(1 << 20));
  expect(() => runAll(stream, bomb)).toThrow(expect.objectContaining({ code: "TZ_WS_MESSAGE_SIZE" }));
  expect(() => runAll(stream, bomb)).toThrow(WsError);
});
