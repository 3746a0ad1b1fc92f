import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { ChunkedDecoder } from "../chunked/decoder.js";
import { createScanner } from "../scan/create-scanner.js";
import { exchange } from "../testing/exchange.fixture.js";
import { chunkedBody, connectionBytes } from "../testing/heads.fixture.js";

// On a busy machine many runs take long; a hang is what this is for.
vi.setConfig({ testTimeout: 120_000 });

const scanners = [createScanner({ kind: "simd" }), createScanner({ kind: "plain" })];
const RUNS = Number(process.env.TZ_FUZZ_RUNS ?? 1_500);
const cutPoints = fc.array(fc.nat({ max: 2_000 }), { maxLength: 12 });

test("any split of a connection's bytes gives the same requests and the same error, on both scanners", () => {
  fc.assert(
    fc.property(connectionBytes, cutPoints, fc.nat({ max: 70 }), (input, points, offset) => {
      const whole = exchange(scanners[0]!, input);
      const cuts = [...new Set(points.map((point) => point % (input.length + 1)))].sort((a, b) => a - b);
      for (const scanner of scanners) expect(exchange(scanner, input, { cuts }, offset)).toEqual(whole);
    }),
    { numRuns: RUNS },
  );
});

test("every byte on its own gives the same", () => {
  fc.assert(
    fc.property(connectionBytes, (input) => {
      const cuts = Array.from(input, (_, i) => i);
      for (const scanner of scanners)
        expect(exchange(scanner, input, { cuts })).toEqual(exchange(scanner, input));
    }),
    { numRuns: 150 },
  );
});

interface Decoded {
  readonly content: string;
  readonly trailers: readonly string[];
  readonly used: number;
}

function decode(bytes: Uint8Array, size: number): Decoded | number {
  const decoder = new ChunkedDecoder();
  let content = "";
  let at = 0;
  for (let end = 0; end < bytes.length && !decoder.done; ) {
    end = Math.min(bytes.length, end + size);
    while (at < end && !decoder.done) {
      at = decoder.step(bytes, at, end);
      if (at < 0) return at;
      content += Buffer.from(bytes.subarray(decoder.dataStart, decoder.dataEnd)).toString("latin1");
    }
  }
  return { content, trailers: decoder.trailers, used: at };
}

test("chunked content in pieces of any size decodes to the same", () => {
  fc.assert(
    fc.property(chunkedBody, fc.integer({ min: 1, max: 40 }), (text, size) => {
      const bytes = Buffer.from(`${text}GET`, "latin1");
      expect(decode(bytes, size)).toEqual(decode(bytes, bytes.length));
    }),
    { numRuns: RUNS },
  );
});
