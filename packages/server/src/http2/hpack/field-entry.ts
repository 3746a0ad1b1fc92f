/** What a field of a request is to HTTP/2. */
export const KIND = {
  regular: 0,
  method: 1,
  scheme: 2,
  path: 3,
  authority: 4,
  host: 5,
  /** `TE`, which may say `trailers` and nothing else. */
  te: 6,
  /** No request may have it: a name in capitals, a pseudo-field that nobody knows, a field of a connection (§8.2.2). */
  malformed: 7,
} as const;

const KINDS: ReadonlyMap<string, number> = new Map([
  [":method", KIND.method],
  [":scheme", KIND.scheme],
  [":path", KIND.path],
  [":authority", KIND.authority],
  ["host", KIND.host],
  ["te", KIND.te],
  ["connection", KIND.malformed],
  ["keep-alive", KIND.malformed],
  ["proxy-connection", KIND.malformed],
  ["transfer-encoding", KIND.malformed],
  ["upgrade", KIND.malformed],
]);
const LONGEST_KNOWN = "transfer-encoding".length;
const COLON = 0x3a;
const SPACE = 0x20;
const TAB = 0x09;

/** Characters of a name (RFC 9110 §5.6.2), in lower case (RFC 9113 §8.2.1). */
const NAME_CHARACTERS = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  NAME_CHARACTERS[character.charCodeAt(0)] = 1;
}

/** What a name of `bytes[start, end)` is. */
export function kindOfName(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return KIND.malformed;
  const pseudo = bytes[start] === COLON;
  if (pseudo || length <= LONGEST_KNOWN) {
    const known = KINDS.get(
      String.fromCharCode(...bytes.subarray(start, Math.min(end, start + LONGEST_KNOWN))),
    );
    if (known !== undefined) return known;
    if (pseudo) return KIND.malformed;
  }
  for (let i = start; i < end; i++) if (NAME_CHARACTERS[bytes[i]!] === 0) return KIND.malformed;
  return KIND.regular;
}

/** The kind of a field whose name is of `kind`, with its value: {@link KIND.malformed} when that cannot be. */
export function kindOfField(kind: number, bytes: Uint8Array, start: number, end: number): number {
  if (kind === KIND.malformed) return kind;
  // A part of the first line of a request has no white space: it would be two.
  const least = kind === KIND.regular || kind === KIND.te ? TAB : SPACE + 1;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte < least || byte === 0x7f || (byte < SPACE && byte !== TAB)) return KIND.malformed;
  }
  if (end > start && (isBlank(bytes[start]!) || isBlank(bytes[end - 1]!))) return KIND.malformed;
  if (kind !== KIND.te) return kind;
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 16))) === "trailers"
    ? KIND.regular
    : KIND.malformed;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** What a field counts beyond its characters in tables and lists (RFC 7541 §4.1). */
export const ENTRY_OVERHEAD = 32;

/** A field in a table, as its line in HTTP/1.1: most of them are copied to one. */
export class FieldEntry {
  /** `name: value CRLF` */
  readonly line: Uint8Array;
  readonly nameEnd: number;
  /** Of the field, and of another with the same name. */
  readonly kind: number;
  readonly nameKind: number;

  constructor(line: Uint8Array, nameEnd: number, nameKind: number) {
    this.line = line;
    this.nameEnd = nameEnd;
    this.nameKind = nameKind;
    this.kind = kindOfField(nameKind, line, this.valueStart, this.valueEnd);
  }

  static of(name: string, value: string): FieldEntry {
    const line = Buffer.from(`${name}: ${value}\r\n`, "latin1");
    return new FieldEntry(line, name.length, kindOfName(line, 0, name.length));
  }

  get valueStart(): number {
    return this.nameEnd + 2;
  }

  get valueEnd(): number {
    return this.line.byteLength - 2;
  }

  /** Its size as RFC 7541 §4.1 counts: the line has four characters of its own. */
  get byteLength(): number {
    return this.line.byteLength - 4 + ENTRY_OVERHEAD;
  }
}
