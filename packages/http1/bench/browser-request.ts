import { readFileSync } from "node:fs";

/** What a browser sends for a script: 683 bytes, 15 fields. */
export const BROWSER_REQUEST: Uint8Array = readFileSync(
  new URL("./browser-request.fixture.txt", import.meta.url),
);

/** 37 bytes: the least that a load generator sends. */
export const SMALL_REQUEST: Uint8Array = Buffer.from("GET /plaintext HTTP/1.1\r\nHost: ab\r\n\r\n");
