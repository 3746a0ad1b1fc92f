import { ServerError } from "../errors.js";

/** `"combined"` is what Apache and nginx write and most programs read; `"json"` is an object a line. */
export type AccessLogFormat = "json" | "combined";
const FORMATS: readonly AccessLogFormat[] = ["json", "combined"];

/**
 * Takes whole lines, each with its line feed. It is not called again before the promise of the last call is settled:
 * until then lines are held back, and dropped when too many are.
 */
export interface LogWriter {
  (lines: string): void | Promise<void>;
  /** Called once, when the server has closed. */
  close?(): void | Promise<void>;
}

/** What `createServer({ accessLog: { … } })` takes. */
export interface AccessLogOptions {
  /** Default `"json"`. */
  readonly format: AccessLogFormat;
  /** Share of the requests that are written, more than 0 and at most 1; chosen at random. Default 1. */
  readonly sample: number;
  /** Default `logFile("-")`: standard output. */
  readonly write: LogWriter | undefined;
}

const NAMES = ["format", "sample", "write"];

/**
 * @returns `undefined` when nothing is to be written
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function resolveAccessLog(given: boolean | Partial<AccessLogOptions>): AccessLogOptions | undefined {
  if (given === false) return undefined;
  const options: Partial<AccessLogOptions> = given === true ? {} : given;
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `unknown option accessLog.${name}; allowed: ${NAMES.join(", ")}`,
      );
    }
  }
  const { format = "json", sample = 1, write } = options;
  if (!FORMATS.includes(format)) throw refusal("format", format, FORMATS.join(", "));
  if (typeof sample !== "number" || !(sample > 0 && sample <= 1)) {
    throw refusal("sample", sample, "a number more than 0 and at most 1");
  }
  if (write !== undefined && typeof write !== "function") {
    throw refusal("write", write, "a function that takes lines");
  }
  return { format, sample, write };
}

function refusal(name: string, value: unknown, allowed: string): ServerError {
  return new ServerError("TZ_SERVER_OPTION", `accessLog.${name} is ${String(value)}; allowed: ${allowed}`);
}
