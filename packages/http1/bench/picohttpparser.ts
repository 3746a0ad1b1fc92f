/** picohttpparser, when PICOHTTPPARSER_DIR holds its source and there is a C compiler. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "picohttpparser.h"
static struct phr_header headers[128];
static double once(const char *bytes, size_t length, long times) {
  struct timespec a, b; long sum = 0;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (long i = 0; i < times; i++) {
    const char *method, *path; size_t method_length, path_length, count = 128; int minor;
    sum += phr_parse_request(bytes, length, &method, &method_length, &path, &path_length, &minor, headers, &count, 0);
    __asm__ volatile("" ::: "memory");
  }
  clock_gettime(CLOCK_MONOTONIC, &b);
  if (sum != times * (long)length) exit(3);
  return ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / times;
}
int main(int argc, char **argv) {
  static char bytes[65536]; FILE *file = fopen(argv[1], "rb"); size_t length = fread(bytes, 1, sizeof bytes, file);
  long times = atol(argv[2]); double best = 1e12;
  for (int i = 0; i < 20; i++) { double ns = once(bytes, length, times); if (ns < best) best = ns; }
  printf("%f\\n", best);
}
`;

/** Best of twenty runs, in ns; `undefined` when it cannot be built here. */
export function measurePicohttpparser(request: Uint8Array, times: number): number | undefined {
  const source = process.env.PICOHTTPPARSER_DIR;
  if (source === undefined || !existsSync(join(source, "picohttpparser.c"))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "tz-pico-"));
  try {
    writeFileSync(join(folder, "bench.c"), PROGRAM);
    writeFileSync(join(folder, "request"), request);
    const program = join(folder, "bench");
    execFileSync("cc", [
      "-O3",
      "-march=native",
      `-I${source}`,
      "-o",
      program,
      join(folder, "bench.c"),
      join(source, "picohttpparser.c"),
    ]);
    return Number(execFileSync(program, [join(folder, "request"), String(times)], { encoding: "utf8" }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
