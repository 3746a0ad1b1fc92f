import fc from "fast-check";
import { expect, test } from "vitest";
import { isUtf8Text, UTF8_FAILED, UTF8_START, validateUtf8, validateUtf8Bytes } from "./utf8.js";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The WHATWG decoder's judgement of the whole. */
function decodes(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Text with a few bytes changed, cut and joined: mostly UTF-8, often not. */
const almostText = fc
  .tuple(
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 2 }),
    fc.nat(3),
  )
  .map(([text, changes, cut]) => {
    const bytes = Buffer.from(text, "utf8");
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
    return bytes.subarray(0, Math.max(0, bytes.length - cut));
  });

const anyBytes = fc.oneof(almostText, fc.uint8Array({ maxLength: 120 }));

test("agrees with TextDecoder on random bytes", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      expect(isUtf8Text(bytes, 0, bytes.length)).toBe(decodes(bytes));
    }),
    { numRuns: 5000 },
  );
});

test("agrees with TextDecoder on every pair of bytes, and on every triple and quadruple at the boundaries", () => {
  const edges = [
    0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
  ];
  edges.push(0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff);
  const check = (...bytes: number[]) => {
    const all = Uint8Array.from(bytes);
    if (isUtf8Text(all, 0, all.length) !== decodes(all)) throw new Error(Buffer.from(all).toString("hex"));
  };
  for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b++) check(a, b);
  for (const a of edges) for (const b of edges) for (const c of edges) check(a, b, c);
  for (const a of edges)
    for (const b of edges) for (const c of edges) for (const d of edges) check(a, b, c, d);
});

test("fails at the byte that makes the text invalid, and not before", () => {
  /** Every valid way to end a text that was cut inside a character. */
  const endings = [
    "",
    "80",
    "a0",
    "90",
    "8080",
    "a080",
    "9080",
    "9f80",
    "8f80",
    "808080",
    "908080",
    "8f8080",
  ];
  const canStillBecomeValid = (bytes: Uint8Array) =>
    endings.some((ending) => decodes(Buffer.concat([bytes, Buffer.from(ending, "hex")])));
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      let state = UTF8_START;
      let at = 0;
      while (at < bytes.length && state !== UTF8_FAILED) state = validateUtf8(state, bytes, at, ++at);
      expect(canStillBecomeValid(bytes.subarray(0, at))).toBe(state !== UTF8_FAILED);
      if (state === UTF8_FAILED) expect(canStillBecomeValid(bytes.subarray(0, at - 1))).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("pieces of any length give what the whole gives; the native path what the loop gives", () => {
  const long = fc.array(anyBytes, { maxLength: 8 }).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(long, fc.infiniteStream(fc.integer({ min: 1, max: 150 })), (bytes, lengths) => {
      const expected = validateUtf8Bytes(UTF8_START, bytes, 0, bytes.length);
      let state = UTF8_START;
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + (lengths.next().value as number));
        state = validateUtf8(state, bytes, at, end);
        at = end;
      }
      expect(state).toBe(expected);
      expect(validateUtf8(UTF8_START, bytes, 0, bytes.length)).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

test("a failed state stays failed", () => {
  expect(validateUtf8(UTF8_FAILED, Buffer.alloc(100, "a"), 0, 100)).toBe(UTF8_FAILED);
  expect(validateUtf8(UTF8_FAILED, Buffer.from("a"), 0, 1)).toBe(UTF8_FAILED);
});
