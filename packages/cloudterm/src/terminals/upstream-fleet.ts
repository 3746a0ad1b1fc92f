import { readFileSync } from "node:fs";
import { CloudtermError, shown } from "../errors.js";
import { rawUpstream } from "./raw-upstream.js";
import type { TerminalBackend } from "./terminal-backend.js";
import { ttydUpstream } from "./ttyd-upstream.js";

/** One server of terminals. All of it comes from the operator's file, nothing from a user. */
export interface UpstreamEntry {
  /** What users choose by. */
  readonly name: string;
  /** `ws:` or `wss:`; of a ttyd the one of its WebSocket, as `ws://127.0.0.1:7681/ws`. */
  readonly url: string;
  /** Default `ttyd`. */
  readonly protocol?: "ttyd" | "raw" | undefined;
  /** `user:password` of ttyd's `--credential`. */
  readonly credential?: string | undefined;
  /** More fields of the handshake, such as the one of ttyd's `--auth-header`; not `Connection`, `Upgrade`, `Sec-WebSocket-*`. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

export interface UpstreamFleet extends TerminalBackend {
  readonly upstreamNames: readonly string[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const FIELD_NAME = /^[A-Za-z0-9-]{1,64}$/;
/** What the gateway says itself when it shakes hands. */
const OF_THE_HANDSHAKE = /^(connection|upgrade|sec-websocket-.*)$/i;
const FIELD_VALUE = /^[\x20-\x7e]{0,4096}$/;
const KNOWN = ["name", "url", "protocol", "credential", "fields"];
/** The operator names them: there is no address that they must not have. */
const ANYWHERE = ["0.0.0.0/0", "::/0"];

/**
 * Terminals of other servers, chosen by a name of the list.
 * @throws CloudtermError `TZ_CLOUDTERM_OPTION`, naming what is wrong where; `TZ_CLOUDTERM_REQUEST` for a URL that is none
 */
export function upstreamFleet(list: unknown): UpstreamFleet {
  const backends = new Map<string, TerminalBackend>();
  for (const { name, url, protocol = "ttyd", credential, fields = {} } of checked(list)) {
    const options = { url, allow: ANYWHERE, fields: Object.entries(fields) };
    backends.set(name, protocol === "raw" ? rawUpstream(options) : ttydUpstream({ ...options, credential }));
  }
  return {
    name: "upstream",
    upstreamNames: [...backends.keys()],
    async open(start, events) {
      const backend = backends.get(start.choice ?? "");
      if (backend !== undefined) return backend.open(start, events);
      throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", `there is no upstream ${shown(start.choice)}`);
    },
  };
}

/** Reads a JSON file with a list of upstreams. @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
export function readUpstreams(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new CloudtermError("TZ_CLOUDTERM_OPTION", `the upstreams ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function checked(list: unknown): readonly UpstreamEntry[] {
  if (!Array.isArray(list)) throw wrong("the list of upstreams", list, "a list");
  const names = new Set<unknown>();
  for (const [i, entry] of (list as Record<string, unknown>[]).entries()) {
    const at = `upstream ${i + 1}`;
    if (typeof entry !== "object" || entry === null) throw wrong(at, entry, "an object");
    for (const key of Object.keys(entry))
      if (!KNOWN.includes(key)) throw wrong(`${at}: ${key}`, "an unknown name", KNOWN.join(", "));
    const { name, url, protocol, credential, fields } = entry;
    if (typeof name !== "string" || !NAME.test(name))
      throw wrong(`${at}: name`, name, "letters, digits, dots and dashes, no dash first");
    if (names.has(name)) throw wrong(`${at}: name`, name, "a name of its own");
    names.add(name);
    if (typeof url !== "string" || !/^wss?:\/\//.test(url))
      throw wrong(`${at}: url`, url, "ws://… or wss://…");
    if (protocol !== undefined && protocol !== "ttyd" && protocol !== "raw")
      throw wrong(`${at}: protocol`, protocol, "ttyd, raw");
    if (credential !== undefined && (typeof credential !== "string" || !credential.includes(":")))
      // Not shown: it is a secret.
      throw wrong(`${at}: credential`, "something else", "user:password");
    if (fields !== undefined && !areFields(fields))
      throw wrong(`${at}: fields`, fields, "an object of names and texts");
    const taken = Object.keys(fields ?? {}).find((field) => OF_THE_HANDSHAKE.test(field));
    if (taken !== undefined)
      throw wrong(`${at}: fields`, taken, "any but Connection, Upgrade and Sec-WebSocket-*");
  }
  return list as UpstreamEntry[];
}

function areFields(fields: unknown): boolean {
  return (
    typeof fields === "object" &&
    fields !== null &&
    !Array.isArray(fields) &&
    Object.entries(fields).every(
      ([name, value]) => FIELD_NAME.test(name) && typeof value === "string" && FIELD_VALUE.test(value),
    )
  );
}

function wrong(what: string, value: unknown, allowed: string): CloudtermError {
  return new CloudtermError("TZ_CLOUDTERM_OPTION", `${what} is ${shown(value)}; allowed: ${allowed}`);
}
