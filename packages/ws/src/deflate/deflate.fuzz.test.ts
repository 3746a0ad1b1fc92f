/** Compressed messages that are almost right: bounded, never a crash, and the text that zlib itself gives. */
import { constants, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { WsError } from "../errors.js";
import { FUZZ_TIMEOUT_MS, fuzzRun } from "../fuzz-budget.fixture.js";
import { Deflater } from "./deflater.js";
import { Inflater } from "./inflater.js";
import { OneShotStream } from "./one-shot-stream.js";
import { PeerDeflate } from "./peer-deflate.fixture.js";
import { DeflateRuntime } from "./runtime.js";

const runtime = new DeflateRuntime();
const portable = new DeflateRuntime((options) => new OneShotStream(options));
const TAIL = Buffer.of(0, 0, 0xff, 0xff);
const MAX = 20_000;

const aText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 200 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 30_000 }))
    .map(([part, length]) => Buffer.alloc(length, part)),
);

const parameters = fc.record({
  windowBits: fc.integer({ min: 8, max: 15 }),
  takeover: fc.boolean(),
  level: fc.integer({ min: 0, max: 9 }),
  memoryLevel: fc.integer({ min: 1, max: 9 }),
});

/** The text, or the code of the error. */
function inflate(inflater: Inflater, payload: Uint8Array): Buffer | string {
  try {
    if (!inflater.inflate(payload, 0, payload.length, true, () => {}))
      throw new Error("longer than the limit");
    return Buffer.from(inflater.output.subarray(0, inflater.length));
  } catch (error) {
    if (!(error instanceof WsError)) throw error;
    return error.code;
  } finally {
    inflater.release();
  }
}

test("sequences of messages come back, in fragments or whole, for all parameters", {
  timeout: FUZZ_TIMEOUT_MS,
}, () => {
  const fragmented = fc.array(aText, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(fragmented, { maxLength: 5 }),
      parameters,
      fc.boolean(),
      (messages, how, oneShot) => {
        const deflater = new Deflater(runtime, how);
        const inflater = new Inflater(
          oneShot ? portable : runtime,
          Math.max(9, how.windowBits),
          how.takeover,
          1 << 20,
        );
        for (const parts of messages) {
          const payload = parts.map((part, at) => {
            deflater.deflate(part, 0, part.length, at === parts.length - 1);
            const packed = Buffer.from(deflater.output.subarray(0, deflater.length));
            deflater.release();
            return packed;
          });
          const text = inflate(inflater, Buffer.concat(payload));
          expect(typeof text !== "string" && text.equals(Buffer.concat(parts))).toBe(true);
        }
        deflater.close();
        inflater.close();
      },
    ),
    fuzzRun(2),
  );
});

test("a payload with changed bytes is what zlib makes of it, or an error; and it is bounded", {
  timeout: FUZZ_TIMEOUT_MS,
}, () => {
  fc.assert(
    fc.property(
      aText,
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 }),
      fc.nat(6),
      (text, changes, cut) => {
        const payload = Buffer.from(new PeerDeflate({ windowBits: 15, takeover: false }).message(text));
        for (const [at, byte] of changes) if (at < payload.length) payload[at] = byte;
        const cutPayload = payload.subarray(0, cut > 3 ? payload.length : Math.max(0, payload.length - cut));
        const inflater = new Inflater(runtime, 15, false, MAX);
        const result = inflate(inflater, cutPayload);
        inflater.close();
        const expected = zlibs(cutPayload);
        if (typeof result === "string") {
          expect(["TZ_WS_INFLATE", "TZ_WS_MESSAGE_SIZE"]).toContain(result);
          if (result === "TZ_WS_MESSAGE_SIZE" && expected !== undefined && !expected.ended) {
            expect(expected.text.length).toBeGreaterThan(MAX);
          }
        } else {
          expect(result.length).toBeLessThanOrEqual(MAX);
          // Behind a final block zlib stops, and a message may go on.
          expect(expected).toBeDefined();
          expect(result.subarray(0, expected!.text.length).equals(expected!.text)).toBe(true);
          if (!expected!.ended) expect(result.length).toBe(expected!.text.length);
        }
      },
    ),
    fuzzRun(2),
  );
});

/** @returns `undefined` for what zlib refuses; `ended` when it stopped at a final block */
function zlibs(payload: Buffer): { text: Buffer; ended: boolean } | undefined {
  try {
    const { buffer, engine } = inflateRawSync(Buffer.concat([payload, TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    return { text: buffer, ended: engine.bytesWritten < payload.length + TAIL.length };
  } catch {
    return undefined;
  }
}
