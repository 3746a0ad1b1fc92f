import { readFileSync } from "node:fs";

/** What a browser sends for a script: 683 bytes, 15 fields. Its `If-None-Match` names a version that is gone. */
export const browserRequest: Buffer = readFileSync(
  new URL("../../packages/http1/bench/browser-request.fixture.txt", import.meta.url),
);

/** Its fields without those that wrk writes itself. */
export const browserFields: readonly string[] = browserRequest
  .toString("latin1")
  .split("\r\n")
  .slice(1)
  .filter((line) => line !== "" && !/^host:/i.test(line));
