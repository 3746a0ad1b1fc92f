import { expect, test } from "vitest";
import { parseWrk } from "./wrk.js";

const report = `Running 3s test @ http://127.0.0.1:8005/style.css
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   689.15us  104.20us   3.46ms   88.81%
    Req/Sec    92.65k     3.11k   97.41k    75.00%
  Latency Distribution
     50%  671.00us
     75%  705.00us
     90%    0.88ms
     99%    1.02ms
  276532 requests in 3.00s, 327.51MB read
Requests/sec:  92155.43
Transfer/sec:    109.15MB
`;

test("a report without failures", () => {
  expect(parseWrk(report)).toEqual({
    requests: 276_532,
    requestsPerSecond: 92_155.43,
    bytesPerRequest: (327.51 * 2 ** 20) / 276_532,
    p50Micros: 671,
    p99Micros: 1020,
    failures: 0,
  });
});

test("wrong statuses and socket errors count as failures", () => {
  const bad = report.replace(
    "Requests/sec",
    "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 90\nRequests/sec",
  );
  expect(parseWrk(bad).failures).toBe(100);
});

test("a report without figures is an error", () => {
  expect(() => parseWrk("unable to connect")).toThrow(/lacks .*unable to connect/s);
});
