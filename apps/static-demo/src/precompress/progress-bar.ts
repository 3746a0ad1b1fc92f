import { Presets, SingleBar } from "cli-progress";
import type { PrecompressProgress } from "./precompress.js";

const MIB = 1024 * 1024;

/** A bar with rate and remaining time on stderr; nothing when stderr is no terminal. */
export function progressBar(): PrecompressProgress {
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: "{bar} {percentage}% | {value}/{total} MiB | {rate} MiB/s | {eta_formatted} left",
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      etaBuffer: 100,
    },
    Presets.shades_classic,
  );
  let done = 0;
  let startMs = 0;
  const mib = (bytes: number): number => Math.round((bytes / MIB) * 10) / 10;
  return {
    begin(_files, bytes) {
      startMs = performance.now();
      bar.start(mib(bytes), 0, { rate: "–" });
    },
    advance(bytes) {
      done += bytes;
      const seconds = (performance.now() - startMs) / 1000;
      bar.update(mib(done), { rate: (mib(done) / Math.max(seconds, 0.001)).toFixed(1) });
    },
    end: () => bar.stop(),
  };
}
