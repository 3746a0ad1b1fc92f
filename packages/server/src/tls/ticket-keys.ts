import { randomBytes } from "node:crypto";
import { ServerError } from "../errors.js";

/** One key: 16 bytes of name, 32 of HMAC key, 32 of AES key, as OpenSSL takes them. */
export const TICKET_KEY_BYTES = 80;
/** In front of the key, and of each of its tickets. */
export const TICKET_NAME_BYTES = 16;
export const HMAC_KEY_BYTES = 32;
const AES_START = TICKET_NAME_BYTES + HMAC_KEY_BYTES;
/** `node:tls` takes keys of half the length: 16 bytes of name, 16 of HMAC key, 16 of AES key. */
const NODE_KEY_BYTES = 16;

/** The newest key encrypts tickets; with it and the one before, tickets are read. */
export class TicketKeys {
  readonly current: Uint8Array;
  readonly previous: Uint8Array | undefined;

  /**
   * @param block one key or two, the newest first
   * @throws ServerError `TZ_SERVER_OPTION`
   */
  constructor(block: Uint8Array) {
    if (block.byteLength !== TICKET_KEY_BYTES && block.byteLength !== 2 * TICKET_KEY_BYTES) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `tls.ticketKeys has ${block.byteLength} bytes; allowed: 80 (one key) or 160 (the newest first)`,
      );
    }
    const copy = Uint8Array.from(block);
    this.current = copy.subarray(0, TICKET_KEY_BYTES);
    this.previous = copy.byteLength > TICKET_KEY_BYTES ? copy.subarray(TICKET_KEY_BYTES) : undefined;
  }

  static random(): TicketKeys {
    return new TicketKeys(randomBytes(TICKET_KEY_BYTES));
  }

  /** A fresh key in front; the current one becomes the previous one. */
  rotated(): TicketKeys {
    return new TicketKeys(Buffer.concat([randomBytes(TICKET_KEY_BYTES), this.current]));
  }

  /** The keys as one block, for other workers. */
  get block(): Uint8Array {
    return Buffer.concat([this.current, this.previous ?? new Uint8Array(0)]);
  }
}

/** A key as `node:tls` takes it. */
export function nodeTicketKey(key: Uint8Array): Buffer {
  const aes = key.subarray(AES_START, AES_START + NODE_KEY_BYTES);
  return Buffer.concat([key.subarray(0, TICKET_NAME_BYTES + NODE_KEY_BYTES), aes]);
}

/** What names a key in the tickets that it encrypts, as {@link ClientHello.ticketKeyName} has it. */
export function ticketKeyName(key: Uint8Array): string {
  return Buffer.from(key.subarray(0, TICKET_NAME_BYTES)).toString("latin1");
}

/** Fresh ticket keys for several machines: give the same block to each, as `tls.ticketKeys`. Workers share theirs without. */
export function newTicketKeys(previous?: Uint8Array): Uint8Array {
  return previous === undefined ? TicketKeys.random().block : new TicketKeys(previous).rotated().block;
}

/** Keeps no process alive. */
export function rotateEvery(periodS: number, rotate: () => void): NodeJS.Timeout {
  return setInterval(rotate, periodS * 1000).unref();
}
