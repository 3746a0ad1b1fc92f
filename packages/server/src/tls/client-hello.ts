/** What a server chooses by, from a ClientHello (RFC 8446 §4.1.2) that was read and not yet taken from the socket. */
export interface ClientHello {
  /** The name in `server_name` (RFC 6066 §3), in lower case; empty when there is none. */
  readonly serverName: string;
  /** What ALPN offers (RFC 7301), in the client's order. */
  readonly protocols: readonly string[];
  /** The first 16 bytes of a session ticket, which name its key, as Latin-1; empty when there is none. */
  readonly ticketKeyName: string;
}

/** More bytes must come. */
export const HELLO_INCOMPLETE = 0;
/** Not a ClientHello, or one that is not well formed: OpenSSL finds the alert for it. */
export const HELLO_UNREADABLE = 1;

export type HelloResult = ClientHello | typeof HELLO_INCOMPLETE | typeof HELLO_UNREADABLE;

/** A longer ClientHello is left to OpenSSL. Post-quantum key shares make some 2 KiB. */
export const MAX_HELLO_BYTES = 16_384;

const HANDSHAKE_RECORD = 22;
const RECORD_HEADER_BYTES = 5;
const MAX_RECORD_BYTES = 16_384;
const CLIENT_HELLO = 1;
const MESSAGE_HEADER_BYTES = 4;
const VERSION_AND_RANDOM_BYTES = 34;
const TICKET_KEY_NAME_BYTES = 16;
const MAX_NAME_BYTES = 255;
const MAX_PROTOCOLS = 32;

const EXTENSION = { serverName: 0, alpn: 16, sessionTicket: 35, preSharedKey: 41 } as const;

/**
 * Reads a ClientHello from the records in `bytes[start, end)`. Strict and bounded: every length is checked against what
 * holds it, and nothing is read twice.
 */
export function parseClientHello(bytes: Uint8Array, start: number, end: number): HelloResult {
  const message = handshakeMessage(bytes, start, end);
  if (typeof message === "number") return message;
  const reader = new Reader(message, MESSAGE_HEADER_BYTES, message.byteLength);
  reader.skip(VERSION_AND_RANDOM_BYTES);
  reader.vector8(); // session id
  reader.vector16(); // cipher suites
  reader.vector8(); // compression methods
  let serverName = "";
  let protocols: readonly string[] = [];
  let ticketKeyName = "";
  // A ClientHello may end before its extensions (RFC 8446 §4.1.2).
  if (reader.left > 0) {
    const extensions = reader.vector16();
    if (reader.left !== 0) return HELLO_UNREADABLE;
    while (extensions.left > 0 && !extensions.failed) {
      const type = extensions.u16();
      const content = extensions.vector16();
      if (type === EXTENSION.serverName) serverName = readServerName(content);
      else if (type === EXTENSION.alpn) protocols = readProtocols(content);
      else if (type === EXTENSION.sessionTicket) ticketKeyName ||= readKeyName(content);
      else if (type === EXTENSION.preSharedKey) ticketKeyName = readKeyName(content.vector16().vector16());
      if (content.failed) return HELLO_UNREADABLE;
    }
    if (extensions.failed) return HELLO_UNREADABLE;
  }
  if (reader.failed) return HELLO_UNREADABLE;
  return { serverName, protocols, ticketKeyName };
}

/** The first handshake message, put together from its records (a message may be cut into several). */
function handshakeMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array | typeof HELLO_INCOMPLETE | typeof HELLO_UNREADABLE {
  const parts: Uint8Array[] = [];
  let gathered = 0;
  let wanted = MESSAGE_HEADER_BYTES;
  for (let at = start; gathered < wanted; ) {
    if (at < end && bytes[at] !== HANDSHAKE_RECORD) return HELLO_UNREADABLE;
    // The major version; a client writes 3.1 or 3.3 here, whatever it speaks.
    if (at + 1 < end && bytes[at + 1] !== 3) return HELLO_UNREADABLE;
    if (at + RECORD_HEADER_BYTES > end) return HELLO_INCOMPLETE;
    const length = bytes[at + 3]! * 256 + bytes[at + 4]!;
    if (length === 0 || length > MAX_RECORD_BYTES) return HELLO_UNREADABLE;
    at += RECORD_HEADER_BYTES;
    const part = bytes.subarray(at, Math.min(at + length, end));
    parts.push(part);
    gathered += part.byteLength;
    if (wanted === MESSAGE_HEADER_BYTES && gathered >= MESSAGE_HEADER_BYTES) {
      const header = parts.length === 1 ? part : Buffer.concat(parts);
      if (header[0] !== CLIENT_HELLO) return HELLO_UNREADABLE;
      wanted = MESSAGE_HEADER_BYTES + header[1]! * 65_536 + header[2]! * 256 + header[3]!;
      if (wanted > MAX_HELLO_BYTES) return HELLO_UNREADABLE;
    }
    if (gathered < wanted && part.byteLength < length) return HELLO_INCOMPLETE;
    at += length;
  }
  const message = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return message.subarray(0, wanted);
}

function readServerName(content: Reader): string {
  const list = content.vector16();
  const type = list.u8();
  const name = list.vector16();
  if (list.failed || type !== 0 || name.left === 0 || name.left > MAX_NAME_BYTES) return "";
  return name.text().toLowerCase();
}

function readProtocols(content: Reader): string[] {
  const list = content.vector16();
  const protocols: string[] = [];
  while (list.left > 0 && !list.failed && protocols.length < MAX_PROTOCOLS) {
    const protocol = list.vector8().text();
    if (!list.failed) protocols.push(protocol);
  }
  return list.failed ? [] : protocols;
}

function readKeyName(content: Reader): string {
  return content.left < TICKET_KEY_NAME_BYTES ? "" : content.text().slice(0, TICKET_KEY_NAME_BYTES);
}

/** Reads forward within bounds. After a read beyond them it has failed, and all further reads are empty. */
class Reader {
  failed = false;
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  skip(length: number): number {
    const at = this.#at;
    if (this.failed || length > this.left) {
      this.failed = true;
      this.#at = this.#end;
      return -1;
    }
    this.#at += length;
    return at;
  }

  u8(): number {
    const at = this.skip(1);
    return at < 0 ? 0 : this.#bytes[at]!;
  }

  u16(): number {
    const at = this.skip(2);
    return at < 0 ? 0 : this.#bytes[at]! * 256 + this.#bytes[at + 1]!;
  }

  vector8(): Reader {
    return this.#vector(this.u8());
  }

  vector16(): Reader {
    return this.#vector(this.u16());
  }

  /** What is left, as Latin-1. */
  text(): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, this.left).toString("latin1");
  }

  #vector(length: number): Reader {
    const at = this.skip(length);
    if (at >= 0) return new Reader(this.#bytes, at, at + length);
    const none = new Reader(this.#bytes, this.#end, this.#end);
    none.failed = true;
    return none;
  }
}
