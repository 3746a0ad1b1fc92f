import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Trace } from "./trace.js";

/** What the driver prints, in bytes but for `rssKiB`. */
export interface MallocRow {
  readonly when: "peak" | "end" | "purged";
  readonly mapped: number;
  /** jemalloc: what it knows to be resident, its own bookkeeping and dirty pages among it. */
  readonly resident?: number;
  readonly rssKiB: number;
}

export interface MallocRun {
  readonly rows: readonly MallocRow[];
  readonly nsPerOperation: number;
}

const JEMALLOC = [
  "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
  "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
];

export const jemallocPath: string | undefined = JEMALLOC.find((path) => existsSync(path));

/** The driver, compiled; `undefined` when there is no compiler. */
export class MallocDriver {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static compile(): MallocDriver | undefined {
    const folder = mkdtempSync(join(tmpdir(), "tz-alloc-bench-"));
    const source = fileURLToPath(new URL("./driver.c", import.meta.url));
    try {
      execFileSync("gcc", ["-O2", "-Wall", source, "-o", join(folder, "driver"), "-ldl"], {
        stdio: "pipe",
        timeout: 60_000,
      });
      return new MallocDriver(folder);
    } catch {
      rmSync(folder, { recursive: true });
      return undefined;
    }
  }

  /** @param library another malloc, to be preloaded */
  run(trace: Trace, library?: string): MallocRun {
    const file = join(this.#folder, "trace");
    writeFileSync(
      file,
      new Uint8Array(trace.operations.buffer, trace.operations.byteOffset, trace.count * 12),
    );
    const counts = [trace.count, trace.ids, trace.peakOperation].map(String);
    const env = library === undefined ? {} : { LD_PRELOAD: library };
    const text = execFileSync(join(this.#folder, "driver"), [file, ...counts], {
      env,
      encoding: "utf8",
      timeout: 60_000,
    });
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    return { rows: lines.slice(0, 3), nsPerOperation: lines[3].ns };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
