import type { AccessLogFormat } from "./access-log-options.js";

/** One request, as it is written. */
export interface LogEntry {
  /** When it was read, in ms since 1970. */
  readonly timeMs: number;
  /** On the loop's clock. */
  readonly startMs: number;
  /** Of the client; empty for Unix sockets. */
  readonly address: string;
  /** `undefined`, as the three below, for what was no request. */
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly httpVersion: string | undefined;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  /** 0 until the answer is known. */
  status: number;
  /** Of the answer's body; `undefined` for a stream without a length. */
  bodyBytes: number | undefined;
}

/** Lines of one format. What clients send cannot end a line or a value, nor reach a terminal as a control character. */
export interface LogFormat {
  line(entry: LogEntry, durationMs: number, isAborted: boolean): string;
  /** Says that lines are missing. */
  droppedLine(count: number, timeMs: number): string;
}

const JSON_LINES: LogFormat = {
  line(entry, durationMs, isAborted) {
    const { timeMs, address, method, target, httpVersion, status, bodyBytes, referer, userAgent } = entry;
    return jsonLine({
      time: new Date(timeMs).toISOString(),
      client: address === "" ? undefined : address,
      method,
      target,
      httpVersion,
      status: status === 0 ? undefined : status,
      bodyBytes,
      durationMs: Math.round(durationMs * 1000) / 1000,
      referer,
      userAgent,
      aborted: isAborted ? true : undefined,
    });
  },
  droppedLine: (count, timeMs) => jsonLine({ time: new Date(timeMs).toISOString(), droppedLines: count }),
};

/** Apache's `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`, in UTC. */
const COMBINED: LogFormat = {
  line(
    { timeMs, address, method, target, httpVersion, status, bodyBytes, referer, userAgent },
    _,
    isAborted,
  ) {
    const request =
      method === undefined ? "-" : `${quotable(method)} ${quotable(target)} HTTP/${httpVersion}`;
    // nginx's word for a client that left before there was an answer.
    const code = status === 0 && isAborted ? 499 : status;
    const size = bodyBytes === undefined || bodyBytes === 0 ? "-" : bodyBytes;
    const host = address === "" ? "-" : quotable(address).replaceAll(" ", "\\x20");
    return `${host} - - [${clfTime(timeMs)}] "${request}" ${code} ${size} "${quotable(referer)}" "${quotable(userAgent)}"\n`;
  },
  // Of the same form as all lines: what reads them goes on.
  droppedLine: (count, timeMs) => `- - - [${clfTime(timeMs)}] "-" 0 - "-" "tz: ${count} lines dropped"\n`,
};

export const LOG_FORMATS: { readonly [K in AccessLogFormat]: LogFormat } = {
  json: JSON_LINES,
  combined: COMBINED,
};

/** JSON escapes C0 only; DEL, C1 and the line separators of Unicode can do the same harm. */
function jsonLine(value: object): string {
  return `${JSON.stringify(value).replace(/[\x7f-\x9f\u2028\u2029]/g, unicodeEscape)}\n`;
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** As Apache: `\"`, `\\`, and `\xhh` for whatever is not visible ASCII. */
function quotable(text: string | undefined): string {
  if (text === undefined) return "-";
  return text.replace(/["\\]|[^ -~]/g, (char) => {
    if (char === '"' || char === "\\") return `\\${char}`;
    const code = char.charCodeAt(0);
    return code > 0xff ? unicodeEscape(char) : `\\x${code.toString(16).padStart(2, "0")}`;
  });
}

let clfSecond = -1;
let clfText = "";

/** `21/Nov/2026:17:03:59 +0000`, made once a second. */
function clfTime(timeMs: number): string {
  const second = Math.floor(timeMs / 1000);
  if (second !== clfSecond) {
    clfSecond = second;
    // "Sat, 21 Nov 2026 17:03:59 GMT"
    const [, day, month, year, time] = new Date(second * 1000).toUTCString().split(" ");
    clfText = `${day}/${month}/${year}:${time} +0000`;
  }
  return clfText;
}
