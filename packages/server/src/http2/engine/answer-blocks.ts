import { httpDate, type ResponseHead } from "@tz/http1";
import { encodedLengthMax, encodeField } from "../hpack/encoder.js";

/** Fields that concern one connection of HTTP/1.1 (RFC 9113 §8.2.2); clients take `TE` for a mistake as well. */
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);
const MS_PER_SECOND = 1000;

/** So many heads that were encoded once are remembered, to be kept when they come again. */
const SEEN_MAX = 64;

interface Block {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** The head says its own `Date`. */
  readonly isDated: boolean;
}

/**
 * The heads of plans as header blocks. A head that is sent again is not encoded again; `Date` and what TLS listeners add
 * are a block of their own, of the second.
 *
 * Blocks go by the list of a head's fields: a head may be used again for another answer, its list is not changed.
 */
export class AnswerBlocks {
  readonly #made = new WeakMap<readonly string[], Block>();
  readonly #seen: (readonly string[])[] = [];
  #nextSeen = 0;
  #lastFields: readonly string[] | undefined;
  #lastStatus = 0;
  #lastBlock: Uint8Array = new Uint8Array(0);
  #isLastDated = false;
  /** Of the head that was asked for last. */
  #isDated = false;
  #dated: Uint8Array = new Uint8Array(0);
  #tail: Uint8Array = new Uint8Array(0);
  #second = -1;
  #hsts: string | undefined;

  /** `:status` and the fields of a head. */
  of({ status, fields }: ResponseHead): Uint8Array {
    if (fields === this.#lastFields && status === this.#lastStatus) {
      this.#isDated = this.#isLastDated;
      return this.#lastBlock;
    }
    let block = this.#made.get(fields);
    if (block === undefined || block.status !== status) {
      block = { status, bytes: blockOf(status, fields), isDated: isDated(fields) };
      this.#isDated = block.isDated;
      if (!this.#isAgain(fields)) return block.bytes;
      this.#made.set(fields, block);
    }
    this.#lastFields = fields;
    this.#lastStatus = status;
    this.#lastBlock = block.bytes;
    this.#isLastDated = block.isDated;
    this.#isDated = block.isDated;
    return block.bytes;
  }

  /** Heads that are made for one answer are not worth keeping. */
  #isAgain(fields: readonly string[]): boolean {
    if (this.#seen.includes(fields)) return true;
    this.#seen[this.#nextSeen] = fields;
    this.#nextSeen = (this.#nextSeen + 1) % SEEN_MAX;
    return false;
  }

  /**
   * What every final answer says behind its own fields: those that {@link of} was asked for last.
   * @param wallMs milliseconds since 1970
   * @param hsts the value of `Strict-Transport-Security`
   */
  tail(wallMs: number, hsts: string | undefined): Uint8Array {
    const second = Math.floor(wallMs / MS_PER_SECOND);
    if (second === this.#second && hsts === this.#hsts) return this.#isDated ? this.#dated : this.#tail;
    this.#second = second;
    this.#hsts = hsts;
    const fields = hsts === undefined ? [] : ["strict-transport-security", hsts];
    this.#dated = encode(fields);
    this.#tail = encode(["date", httpDate(second * MS_PER_SECOND), ...fields]);
    return this.#isDated ? this.#dated : this.#tail;
  }
}

function isDated(fields: readonly string[]): boolean {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i]!.toLowerCase() === "date") return true;
  return false;
}

function blockOf(status: number, fields: readonly string[]): Uint8Array {
  const list = [":status", String(status)];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    if (!CONNECTION_FIELDS.has(name)) list.push(name, fields[i + 1]!);
  }
  return encode(list);
}

/** @param list name, value, name, value … */
function encode(list: readonly string[]): Uint8Array {
  let room = 0;
  for (let i = 0; i + 1 < list.length; i += 2) room += encodedLengthMax(list[i]!, list[i + 1]!);
  const bytes = new Uint8Array(room);
  let end = 0;
  for (let i = 0; i + 1 < list.length; i += 2) end = encodeField(list[i]!, list[i + 1]!, bytes, end);
  return bytes.slice(0, end);
}
