/** What a config file may say beside the options of mounts: one table that checks and feeds the schema. */
import { isHost, isMode, isSocketPath, PORT_MAX, WORKERS_MAX } from "../config.js";
import { HSTS_MAX_S } from "../tls-flags.js";

export interface ServerKey {
  readonly allowed: string;
  readonly isGood: (value: unknown) => boolean;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly description: string;
}

const MOUNTS_MAX = 1000;
const LOOPS = ["auto", "epoll", "node"];
const isInteger = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** Of the whole server. */
export const SERVER_KEYS: Readonly<Record<string, ServerKey>> = {
  $schema: {
    allowed: "a string",
    isGood: isText,
    schema: { type: "string" },
    description: "where editors find the schema of this file",
  },
  host: {
    allowed:
      "an IPv4 or IPv6 address of this machine, a host name, or the path of a Unix socket (with a slash)",
    isGood: (value) => isHost(value) || (isText(value) && isSocketPath(value)),
    schema: { type: "string", default: "127.0.0.1" },
    description: "where to listen",
  },
  port: {
    allowed: `an integer from 0 to ${PORT_MAX}; 0 picks a free port`,
    isGood: (value) => isInteger(value, 0, PORT_MAX),
    schema: { type: "integer", minimum: 0, maximum: PORT_MAX, default: 8080 },
    description: "where to listen; 0 picks a free one",
  },
  loop: {
    allowed: LOOPS.map((loop) => JSON.stringify(loop)).join(", "),
    isGood: (value) => LOOPS.includes(value as string),
    schema: { enum: LOOPS, default: "auto" },
    description: "what carries the connections",
  },
  workers: {
    allowed: `"auto" or an integer from 1 to ${WORKERS_MAX}`,
    isGood: (value) => value === "auto" || isInteger(value, 1, WORKERS_MAX),
    schema: { anyOf: [{ const: "auto" }, { type: "integer", minimum: 1, maximum: WORKERS_MAX }], default: 1 },
    description: "processes that serve; auto is one for each processor",
  },
  pin: {
    allowed: "true or false",
    isGood: (value) => typeof value === "boolean",
    schema: { type: "boolean", default: false },
    description: "each worker on a processor of its own (Linux)",
  },
  user: {
    allowed: "the name or number of a user",
    isGood: isText,
    schema: { type: "string", minLength: 1 },
    description: "after binding, become this user (as root only)",
  },
  group: {
    allowed: "the name or number of a group",
    isGood: isText,
    schema: { type: "string", minLength: 1 },
    description: "and this group, instead of the user's own",
  },
  socketMode: {
    allowed: 'three octal digits, as "660"',
    isGood: isMode,
    schema: { type: "string", pattern: "^[0-7]{3,4}$" },
    description: "who may connect to a Unix socket",
  },
  cert: {
    allowed: "the path of a PEM file",
    isGood: isText,
    schema: { type: "string", minLength: 1 },
    description: "HTTPS with this certificate, its intermediates behind it",
  },
  key: {
    allowed: "the path of a PEM file",
    isGood: isText,
    schema: { type: "string", minLength: 1 },
    description: "the private key of cert",
  },
  tlsSelfSigned: {
    allowed: "true or false",
    isGood: (value) => typeof value === "boolean",
    schema: { type: "boolean", default: false },
    description: "HTTPS with a certificate made for this run: for development",
  },
  http2: {
    allowed: "true or false",
    isGood: (value) => typeof value === "boolean",
    schema: { type: "boolean", default: false },
    description: "HTTP/2 too, with clients that offer it over HTTPS",
  },
  hsts: {
    allowed: `true or an integer from 0 to ${HSTS_MAX_S} (seconds)`,
    isGood: (value) => value === true || isInteger(value, 0, HSTS_MAX_S),
    schema: { anyOf: [{ const: true }, { type: "integer", minimum: 0, maximum: HSTS_MAX_S }] },
    description: "tell browsers to come by HTTPS only; true is a year",
  },
  httpRedirect: {
    allowed: `an integer from 0 to ${PORT_MAX}; 0 picks a free port`,
    isGood: (value) => isInteger(value, 0, PORT_MAX),
    schema: { type: "integer", minimum: 0, maximum: PORT_MAX },
    description: "requests to this port are sent to HTTPS",
  },
  quiet: {
    allowed: "true or false",
    isGood: (value) => typeof value === "boolean",
    schema: { type: "boolean", default: false },
    description: "no notes on stderr, only errors",
  },
  mounts: {
    allowed: `a list of 1 to ${MOUNTS_MAX} mounts, each with a root`,
    isGood: (value) => Array.isArray(value) && value.length > 0 && value.length <= MOUNTS_MAX,
    schema: { type: "array", minItems: 1, maxItems: MOUNTS_MAX, items: { $ref: "#/$defs/mount" } },
    description:
      "directories and where they are served, each with options of its own; the longest prefix wins",
  },
};

/** Of a mount, beside the options that `@tz/static` checks. */
export const PLACE_KEYS: Readonly<Record<string, ServerKey>> = {
  prefix: {
    allowed: '"/" or a path as "/assets", without a slash at its end',
    isGood: (value) => isText(value) && value.startsWith("/"),
    schema: { type: "string", pattern: "^/", default: "/" },
    description: "where it is served",
  },
  root: {
    allowed: "the path of a directory",
    isGood: isText,
    schema: { type: "string", minLength: 1 },
    description: "the directory, meant from the folder of this file",
  },
};
