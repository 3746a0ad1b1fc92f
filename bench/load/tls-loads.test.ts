import { expect, test } from "vitest";
import { parseH2load } from "./h2load.js";
import { parseHandshakes } from "./handshakes.js";

const REPORT = `TLS Protocol: TLSv1.3
Application protocol: h2
Main benchmark duration is over for thread #0. Stopping all clients.

finished in 1.00s, 1000.00 req/s, 1.10MB/s
requests: 1000 total, 1005 started, 1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 1000 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 1.10MB (1153434) total, 19.53KB (20000) headers (space savings 90.00%), 1000.00KB (1024000) data
`;

test("h2load's report: requests and the size of a body", () => {
  expect(parseH2load(REPORT)).toEqual({ requests: 1000, bodyBytes: 1024 });
});

test.each([
  ["another protocol", "protocol: h2", "protocol: http/1.1", /not HTTP\/2/],
  ["a failed request", "0 failed", "1 failed", /not answered 200/],
  ["another status", "1000 2xx, 0 3xx, 0 4xx", "999 2xx, 0 3xx, 1 4xx", /not answered 200/],
  ["a report that is cut", "status codes: 1000 2xx", "status codes:", /lacks/],
])("h2load's report with %s is refused", (_name, from, to, message) => {
  expect(() => parseH2load(REPORT.replace(from, to))).toThrow(message);
});

test("s_time's report: connections in real time; none is an error", () => {
  const report =
    "1234 connections in 0.56s; 2203.57 connections/user sec, bytes read 0\n1234 connections in 4 real seconds, 1251 bytes read per connection\n";
  expect(parseHandshakes(report)).toBe(1234);
  expect(() => parseHandshakes("")).toThrow(/connected to nothing/);
  expect(() => parseHandshakes(report.replace("1251", "0"))).toThrow(/answered nothing/);
});
