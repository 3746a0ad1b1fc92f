import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createScanner } from "../scan/create-scanner.js";
import { exchange } from "../testing/exchange.fixture.js";
import { connectionBytes } from "../testing/heads.fixture.js";
import { llhttp } from "../testing/llhttp.fixture.js";
import { WE_ACCEPT, WE_REFUSE } from "../testing/llhttp-differences.fixture.js";
import { differenceFrom } from "../testing/llhttp-oracle.fixture.js";

// On a busy machine many runs take long; a hang is what this is for.
vi.setConfig({ testTimeout: 120_000 });

const scanner = createScanner();
const RUNS = Number(process.env.TZ_FUZZ_RUNS ?? 4_000);

test("RFC 9112: what llhttp reads is read alike, except for the listed differences", () => {
  fc.assert(
    fc.property(connectionBytes, (input) => {
      const ours = exchange(scanner, input);
      const theirs = llhttp(input);
      const found = differenceFrom(ours, theirs);
      if (found !== undefined) expect({ ours, theirs }, found).toBe("alike");
    }),
    { numRuns: RUNS },
  );
});

/** One request for each row, so that a row which no longer holds is seen. */
const REFUSED: { readonly [code: string]: string } = {
  MISSING_HOST: "GET / HTTP/1.1\r\n\r\n",
  DUPLICATE_HOST: "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
  BAD_HOST: "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
  TARGET_FORM: "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
  TARGET_SCHEME: "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
  TARGET_AUTHORITY: "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
  BAD_TARGET: "GET /<a> HTTP/1.1\r\nHost: a\r\n\r\n",
  BAD_VERSION: "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
  MISSING_VERSION: "GET /\r\nHost: a\r\n\r\n",
  UNSUPPORTED_VERSION: "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
  EMPTY_LINES: "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
  BARE_CR: "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
  BARE_LF: "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
  UNKNOWN_EXPECTATION: "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
  UNKNOWN_TRANSFER_CODING: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  BAD_TRANSFER_ENCODING: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n",
  TRANSFER_ENCODING_VERSION: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  BAD_CHUNK_EXTENSION: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;a=\r\n\r\n",
};

/** What llhttp 9.4 (Node 26) refuses too. */
const REFUSED_BY_LATER: { readonly [code: string]: string } = {
  BAD_TRANSFER_ENCODING: "HPE_INVALID_TRANSFER_ENCODING",
};

for (const [code, input] of Object.entries(REFUSED)) {
  test(`${WE_REFUSE[code]?.section}: refused by us only: ${WE_REFUSE[code]?.why}`, () => {
    expect(exchange(scanner, input).error?.code).toBe(`TZ_HTTP1_${code}`);
    const theirs = llhttp(input);
    if (theirs.error !== undefined && theirs.error === REFUSED_BY_LATER[code]) return;
    expect(theirs).toMatchObject({ error: undefined, requests: [{}] });
  });
}

const ACCEPTED: { readonly [code: string]: string } = {
  HPE_INVALID_METHOD: "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
  HPE_INVALID_VERSION: "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
  HPE_INVALID_CHUNK_SIZE: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0 ; a\r\n\r\n",
  HPE_INVALID_TRANSFER_ENCODING:
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: x\r\n\r\n",
  HPE_INVALID_CONTENT_LENGTH:
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: x\r\n\r\n",
};

for (const [code, input] of Object.entries(ACCEPTED)) {
  test(`${WE_ACCEPT[code]?.section}: accepted by us only: ${WE_ACCEPT[code]?.why}`, () => {
    expect(exchange(scanner, input)).toMatchObject({ error: undefined, requests: [{}] });
    expect(llhttp(input).error).toBe(code);
  });
}
