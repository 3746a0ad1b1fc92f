import { Http1OptionError } from "./errors.js";

interface RelaxationRow {
  readonly bit: number;
  /** Where it can be asked for. */
  readonly of: readonly ("request" | "reply" | "chunked")[];
  readonly section: string;
  readonly what: string;
}

/**
 * Single departures from strictness, each off unless named in `lenient`. All of them have broken some chain of
 * proxies and servers: name one only for a peer that is known to need it.
 */
export const RELAXATIONS = {
  "bare-lf": {
    bit: 1,
    of: ["request", "reply"],
    section: "RFC 9112 §2.2",
    what: "a line of the head may end with LF alone",
  },
  "obs-fold": {
    bit: 2,
    of: ["request", "reply"],
    section: "RFC 9112 §5.2",
    what: "a folded value is joined: CRLF and white space become spaces, in place",
  },
  "control-characters": {
    bit: 4,
    of: ["request", "reply"],
    section: "RFC 9110 §5.5",
    what: "field values may hold control characters other than NUL, CR and LF",
  },
  "space-before-colon": {
    bit: 8,
    of: ["reply"],
    section: "RFC 9112 §5.1",
    what: "white space between a field name and its colon is dropped",
  },
  "raw-target": {
    bit: 16,
    of: ["request"],
    section: "RFC 9112 §3.2",
    what: "the target may hold any byte but white space and control characters",
  },
  "loose-request-line": {
    bit: 32,
    of: ["request"],
    section: "RFC 9112 §3",
    what: "words of the request line may be apart by several spaces or tabs, and some may follow",
  },
  "missing-host": {
    bit: 64,
    of: ["request"],
    section: "RFC 9112 §3.2",
    what: "an HTTP/1.1 request may lack Host",
  },
  "repeated-content-length": {
    bit: 128,
    of: ["request", "reply"],
    section: "RFC 9110 §8.6",
    what: "Content-Length may be repeated, on lines or in a list, when all are equal",
  },
  "length-with-transfer-encoding": {
    bit: 256,
    of: ["request", "reply"],
    section: "RFC 9112 §6.1",
    what: "Content-Length beside Transfer-Encoding is ignored, and the connection closes",
  },
  "http10-transfer-encoding": {
    bit: 512,
    of: ["request", "reply"],
    section: "RFC 9112 §6.1",
    what: "Transfer-Encoding counts in HTTP/1.0, and the connection closes",
  },
  "missing-reason-space": {
    bit: 1024,
    of: ["reply"],
    section: "RFC 9112 §4",
    what: "a status line without reason phrase may lack the space behind the status",
  },
  "chunk-size-space": {
    bit: 2048,
    of: ["chunked"],
    section: "RFC 9112 §7.1",
    what: "spaces and tabs may follow a chunk's size",
  },
} as const satisfies Record<string, RelaxationRow>;

export type Relaxation = keyof typeof RELAXATIONS;

export interface LenientOptions {
  /** Names of {@link RELAXATIONS}; none by default. */
  readonly lenient?: readonly Relaxation[];
}

/**
 * The bits of the named relaxations.
 * @throws {Http1OptionError} for a name that is unknown or does not apply to what is parsed
 */
export function resolveRelaxations(
  { lenient = [], ...rest }: LenientOptions,
  of: "request" | "reply" | "chunked",
): number {
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    throw new Http1OptionError(unknown, `Unknown option ${unknown}; known is lenient`);
  const known = Object.entries(RELAXATIONS).filter(([, row]) => (row.of as readonly string[]).includes(of));
  let bits = 0;
  for (const name of lenient) {
    const row = known.find(([other]) => other === name);
    if (row === undefined) {
      throw new Http1OptionError(
        "lenient",
        `lenient has ${JSON.stringify(name)}; for a ${of} it may list ${known.map(([other]) => other).join(", ")}`,
      );
    }
    bits |= row[1].bit;
  }
  return bits;
}

/** The bits, for tests with `&` in the parsers. */
export const RELAX = {
  bareLf: RELAXATIONS["bare-lf"].bit,
  obsFold: RELAXATIONS["obs-fold"].bit,
  controlCharacters: RELAXATIONS["control-characters"].bit,
  spaceBeforeColon: RELAXATIONS["space-before-colon"].bit,
  rawTarget: RELAXATIONS["raw-target"].bit,
  looseRequestLine: RELAXATIONS["loose-request-line"].bit,
  missingHost: RELAXATIONS["missing-host"].bit,
  repeatedContentLength: RELAXATIONS["repeated-content-length"].bit,
  lengthWithTransferEncoding: RELAXATIONS["length-with-transfer-encoding"].bit,
  http10TransferEncoding: RELAXATIONS["http10-transfer-encoding"].bit,
  missingReasonSpace: RELAXATIONS["missing-reason-space"].bit,
  chunkSizeSpace: RELAXATIONS["chunk-size-space"].bit,
} as const;
