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
 * Reads an asciicast v3 (https://docs.asciinema.org/manual/asciicast/v3/). A line that is no event is left out: the last one of
 * a recording that is being written, and one that a full disk cut.
 * @throws Error when the first line is not such a header
 */
export function readCast(text: string): Cast {
  const [first = "", ...lines] = text.split("\n");
  const { version, term } = (jsonIn(first) ?? {}) as { version?: unknown; term?: unknown };
  const { cols, rows } = (term ?? {}) as { cols?: unknown; rows?: unknown };
  if (version !== 3 || !isSize(cols) || !isSize(rows)) throw new Error("this is not an asciicast v3");
  const events: CastEvent[] = [];
  let atSeconds = 0;
  // What follows the last line's end is empty, or a line that is not whole yet.
  for (const line of lines.slice(0, -1)) {
    const event = jsonIn(line);
    if (!isEvent(event)) continue;
    const [wait, kind, data] = event;
    atSeconds += Math.min(wait, IDLE_SECONDS_MAX);
    events.push({ atSeconds, kind, data });
  }
  return { columns: cols, rows, events };
}

/** `undefined` for what is no JSON: comments and empty lines too. */
function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}

function isEvent(value: unknown): value is readonly [wait: number, kind: string, data: string] {
  if (!Array.isArray(value)) return false;
  const [wait, kind, data] = value as unknown[];
  return typeof wait === "number" && wait >= 0 && typeof kind === "string" && typeof data === "string";
}
