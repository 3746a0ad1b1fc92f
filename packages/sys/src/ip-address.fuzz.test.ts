import fc from "fast-check";
import { expect, test } from "vitest";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./ip-address.js";

const bytes16 = fc
  .array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: 16, maxLength: 16 })
  .map((list) => Uint8Array.from(list));
const isMapped = (bytes: Uint8Array) => bytes.subarray(0, 12).join() === "0,0,0,0,0,0,0,0,0,0,255,255";

test("IPv4 text and bytes are the same address", () => {
  fc.assert(fc.property(fc.ipV4(), (text) => formatIpv4(parseIpv4(text)!) === text));
});

test("IPv6 bytes come back from their text, which is what the URL standard writes", () => {
  fc.assert(
    fc.property(bytes16, (bytes) => {
      const text = formatIpv6(bytes);
      expect(parseIpv6(text)).toEqual(bytes);
      // The URL standard has no dotted form for mapped addresses; everything else is RFC 5952 in both.
      if (!isMapped(bytes)) expect(`[${text}]`).toBe(new URL(`http://[${text}]/`).hostname);
    }),
    { numRuns: 500 },
  );
});

test("every way of writing an IPv6 address is read as the URL standard reads it", () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
      expect(parseIpv6(text)).toEqual(parseIpv6(canonical));
    }),
    { numRuns: 500 },
  );
});

test("what is no address is not read", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/)), (text) => {
      const isAddress = URL.canParse(`http://[${text}]/`) && !text.includes("%");
      if (!isAddress) expect(parseIpv6(text)).toBeUndefined();
    }),
  );
  for (const text of ["", ":", "1::2::3", "::1%1", "12345::", "1:2:3:4:5:6:7", "::1.2.3"]) {
    expect(parseIpv6(text)).toBeUndefined();
  }
  for (const text of ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5"])
    expect(parseIpv4(text)).toBeUndefined();
});
