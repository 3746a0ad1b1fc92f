import { ServerError } from "../errors.js";
import { checkNumber } from "../options.js";

/** What `listen({ http2: { … } })` takes. */
export const HTTP2_OPTIONS = {
  maxStreams: {
    default: 128,
    min: 1,
    max: 10_000,
    unit: "streams",
    meaning:
      "Requests of one connection at a time, those among them that the client has reset while a handler works; further ones are refused.",
  },
  resetsPerSecond: {
    default: 50,
    min: 1,
    max: 1_000_000,
    unit: "streams/s",
    meaning:
      "Requests that one connection may give up before they are answered, in the long run; then it is closed (ENHANCE_YOUR_CALM).",
  },
  resetBurst: {
    default: 500,
    min: 1,
    max: 1_000_000,
    unit: "streams",
    meaning: "As many at once.",
  },
  controlFramesPerSecond: {
    default: 50,
    min: 1,
    max: 1_000_000,
    unit: "frames/s",
    meaning: "PING, SETTINGS and empty DATA frames of one connection in the long run; then it is closed.",
  },
  controlFrameBurst: {
    default: 500,
    min: 1,
    max: 1_000_000,
    unit: "frames",
    meaning: "As many at once.",
  },
  sessionMemoryMiB: {
    default: 10,
    min: 1,
    max: 1024,
    unit: "MiB",
    meaning:
      "What one connection may hold: request bodies that nobody reads, and as much of bodies that are collected whole, beyond the oldest of them; with `node:http2` instead streams, header tables, frames that wait.",
  },
} as const;

type Http2Number = keyof typeof HTTP2_OPTIONS;

/** Who carries HTTP/2 where the fast loop could: itself, or `node:http2`. */
export const HTTP2_ENGINES = ["auto", "node"] as const;
export type Http2Engine = (typeof HTTP2_ENGINES)[number];

export type Http2Options = Partial<Record<Http2Number, number>> & { readonly engine?: Http2Engine };
export type ResolvedHttp2 = Readonly<Record<Http2Number, number>> & { readonly engine: Http2Engine };

/**
 * @returns `undefined` when HTTP/2 is off
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function resolveHttp2(given: boolean | Http2Options | undefined): ResolvedHttp2 | undefined {
  if (given === undefined || given === false) return undefined;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw new ServerError("TZ_SERVER_OPTION", `http2 is ${String(given)}; allowed: true, false, an object`);
  }
  const options: Http2Options = given === true ? {} : given;
  const { engine = "auto" } = options;
  if (!HTTP2_ENGINES.includes(engine)) {
    const allowed = HTTP2_ENGINES.map((name) => `"${name}"`).join(", ");
    throw new ServerError("TZ_SERVER_OPTION", `http2.engine is ${String(engine)}; allowed: ${allowed}`);
  }
  const resolved = {} as Record<Http2Number, number>;
  for (const name of Object.keys(options)) {
    if (name !== "engine" && !Object.hasOwn(HTTP2_OPTIONS, name)) {
      const allowed = [...Object.keys(HTTP2_OPTIONS), "engine"].join(", ");
      throw new ServerError("TZ_SERVER_OPTION", `unknown option http2.${name}; allowed: ${allowed}`);
    }
  }
  for (const name of Object.keys(HTTP2_OPTIONS) as Http2Number[]) {
    const value = options[name] ?? HTTP2_OPTIONS[name].default;
    checkNumber(`http2.${name}`, value, HTTP2_OPTIONS[name]);
    resolved[name] = value;
  }
  return { ...resolved, engine };
}
