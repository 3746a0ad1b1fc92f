import fc from "fast-check";
import { expect, test } from "vitest";
import { parseProxyHeader } from "./proxy-header.js";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const bytes = fc.uint8Array({ maxLength: 80 });
const aHeader = fc.oneof(
  bytes,
  bytes.map((rest) => Buffer.concat([SIGNATURE, rest])),
  fc
    .array(
      fc.constantFrom(
        "TCP4",
        "TCP6",
        "UNKNOWN",
        " ",
        "192.0.2.1",
        "::1",
        "65535",
        "65536",
        "-1",
        "\r\n",
        "x",
      ),
      {
        maxLength: 14,
      },
    )
    .map((parts) => Buffer.from(`PROXY ${parts.join("")}`, "latin1")),
);

test("a PROXY header lies within its bytes, and its beginnings are either not enough or none", () => {
  fc.assert(
    fc.property(aHeader, (header) => {
      const read = parseProxyHeader(header);
      if (typeof read === "number") return;
      expect(read.byteLength).toBeLessThanOrEqual(header.byteLength);
      for (let length = 0; length < read.byteLength; length++)
        expect(parseProxyHeader(header.subarray(0, length))).toBe(0);
      expect(parseProxyHeader(header.subarray(0, read.byteLength))).toEqual(read);
    }),
    { numRuns: 3000 },
  );
});
