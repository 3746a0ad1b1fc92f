/** An event of a recording, with its time since the beginning. */
export interface CastEvent {
  readonly atSeconds: number;
  /** `o` output, `r` size, `x` end, `m` mark. */
  readonly kind: string;
  readonly data: string;
}

export interface Cast {
  readonly columns: number;
  readonly rows: number;
  readonly events: readonly CastEvent[];
}

/** Waits that are longer are cut when a recording is played. */
const IDLE_SECONDS_MAX = 2;

/**
 * Reads an asciicast v3 (https://docs.asciinema.org/manual/asciicast/v3/). Of a recording that is being written the last line
 * may be cut: it is left out.
 * @throws Error when the first line is not such a header
 */
export function readCast(text: string): Cast {
  const [first = "", ...lines] = text.split("\n");
  const { version, term } = JSON.parse(first) as { version?: number; term?: { cols: number; rows: number } };
  if (version !== 3 || term === undefined) throw new Error("this is not an asciicast v3");
  const events: CastEvent[] = [];
  let atSeconds = 0;
  // What follows the last line's end is empty, or a line that is not whole yet.
  for (const line of lines.slice(0, -1)) {
    if (line === "" || line.startsWith("#")) continue;
    const [wait, kind, data] = JSON.parse(line) as [number, string, string];
    atSeconds += Math.min(wait, IDLE_SECONDS_MAX);
    events.push({ atSeconds, kind, data });
  }
  return { columns: term.cols, rows: term.rows, events };
}
