import { Presets, SingleBar } from "cli-progress";

export interface Progress {
  advance(count: number): void;
  end(): void;
}

const REDRAW_MS = 100;

/** A bar on stderr; nothing when stderr is no terminal. */
export function progressBar(total: number): Progress {
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: "{bar} {percentage}% | {value}/{total} events | {rate}/s | {eta_formatted} left",
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 100,
    },
    Presets.shades_classic,
  );
  const startMs = performance.now();
  let done = 0;
  const draw = () => {
    const seconds = Math.max((performance.now() - startMs) / 1000, 0.001);
    bar.update(done, { rate: Math.round(done / seconds).toLocaleString("en") });
  };
  bar.start(total, 0, { rate: "–" });
  const timer = setInterval(draw, REDRAW_MS);
  return {
    advance: (count) => {
      done += count;
    },
    end() {
      clearInterval(timer);
      draw();
      bar.stop();
    },
  };
}
