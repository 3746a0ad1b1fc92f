import { type Latin1View, latin1View } from "./latin1.js";
import type { HeadScanner } from "./scan/scanner.js";
import * as T from "./scan/table.js";
import { FIELD, FIELD_NAMES, type FieldId, fieldIdOf, UNKNOWN_FIELD } from "./tables/fields.js";

const COOKIE_SEPARATOR = "; ";
const LIST_SEPARATOR = ", ";

/**
 * The fields of a scanned head: access by position, by id and by name. No string is made unless it is asked
 * for; one that was made is kept until the next head. Valid until the scanner's next scan.
 */
export class FieldTable {
  bytes: Uint8Array;
  protected table: Uint16Array;
  /** What offsets count from: the `start` of the last parse. */
  protected base = 0;
  /** Bit `1 << id` for each id below 32 that is there. */
  fieldMask = 0;
  /** Field lines; repeated names count each time. */
  fieldCount = 0;
  #text: Latin1View;
  #names: (string | undefined)[] = [];
  #values: (string | undefined)[] = [];
  #cached = false;

  constructor(scanner: HeadScanner) {
    this.bytes = scanner.bytes;
    this.table = scanner.table;
    this.#text = latin1View(scanner.bytes);
  }

  /** Takes over what the scanner found. */
  protected setFields(base: number): void {
    const { table } = this;
    this.base = base;
    this.fieldMask = table[T.MASK]! | (table[T.MASK + 1]! << 16);
    this.fieldCount = table[T.COUNT]!;
    if (this.#cached) {
      this.#names.fill(undefined);
      this.#values.fill(undefined);
      this.#cached = false;
    }
  }

  /** Copies `length` bytes from the base, and the offsets, so that they outlive the scanner's next scan. */
  protected detachFields(length: number): void {
    this.bytes = this.bytes.slice(this.base, this.base + length);
    this.table = this.table.slice(0, T.RECORDS + this.fieldCount * T.RECORD_SIZE);
    this.#text = latin1View(this.bytes);
    this.base = 0;
  }

  protected text(start: number, end: number): string {
    return this.#text.latin1Slice(start, end);
  }

  /** Well-known id of field line `i`; {@link UNKNOWN_FIELD} otherwise. */
  fieldId(i: number): FieldId {
    return this.table[this.#record(i) + T.FIELD_ID]!;
  }

  /** Name of field line `i`: lower-case when well known, as sent otherwise. */
  fieldName(i: number): string {
    let name = this.#names[i];
    if (name === undefined) {
      const record = this.#record(i);
      const id = this.table[record + T.FIELD_ID]!;
      name =
        FIELD_NAMES[id] ??
        this.text(this.base + this.table[record]!, this.base + this.table[record + T.NAME_END]!);
      this.#names[i] = name;
      this.#cached = true;
    }
    return name;
  }

  /** Value of field line `i`, without white space around it; bytes from 0x80 on as ISO-8859-1. */
  fieldValue(i: number): string {
    let value = this.#values[i];
    if (value === undefined) {
      value = this.text(this.valueStart(i), this.valueEnd(i));
      this.#values[i] = value;
      this.#cached = true;
    }
    return value;
  }

  /** Where the name of field line `i` starts: an index into {@link bytes}. */
  nameStart(i: number): number {
    return this.base + this.table[this.#record(i)]!;
  }
  nameEnd(i: number): number {
    return this.base + this.table[this.#record(i) + T.NAME_END]!;
  }
  /** Where the value of field line `i` starts: an index into {@link bytes}. */
  valueStart(i: number): number {
    return this.base + this.table[this.#record(i) + T.VALUE_START]!;
  }
  valueEnd(i: number): number {
    return this.base + this.table[this.#record(i) + T.VALUE_END]!;
  }

  #record(i: number): number {
    if (i < 0 || i >= this.fieldCount) throw new RangeError(`Field line ${i} of ${this.fieldCount}`);
    return T.RECORDS + i * T.RECORD_SIZE;
  }

  /**
   * The next line of a field at or after line `from`; -1 when there is none. Walks repeated fields:
   * `for (let i = head.indexOf(id); i >= 0; i = head.indexOf(id, i + 1))`.
   */
  indexOf(name: FieldId | string, from = 0): number {
    if (typeof name === "number") return this.#indexOfId(name, from);
    const id = fieldIdOf(name);
    return id === UNKNOWN_FIELD ? this.#indexOfName(name, from) : this.#indexOfId(id, from);
  }

  #indexOfId(id: number, from: number): number {
    const { table } = this;
    const last = table[T.LINE_INDEX + (id & 127)]!;
    if (last >= this.fieldCount || table[T.RECORDS + last * T.RECORD_SIZE + T.FIELD_ID] !== id) return -1;
    for (let i = from; i < last; i++) if (table[T.RECORDS + i * T.RECORD_SIZE + T.FIELD_ID] === id) return i;
    return from <= last ? last : -1;
  }

  /** The line of an id that is there once. */
  protected lineOf(id: number): number {
    return this.table[T.LINE_INDEX + id]!;
  }

  #indexOfName(name: string, from: number): number {
    const { table, bytes, base } = this;
    const { length } = name;
    next: for (let i = from; i < this.fieldCount; i++) {
      const record = T.RECORDS + i * T.RECORD_SIZE;
      const start = table[record]!;
      if (table[record + T.NAME_END]! - start !== length) continue;
      for (let k = 0; k < length; k++) {
        if (lower(bytes[base + start + k]!) !== lower(name.charCodeAt(k))) continue next;
      }
      return i;
    }
    return -1;
  }

  has(name: FieldId | string): boolean {
    return this.indexOf(name) >= 0;
  }

  /**
   * A field's value; lines of one name are joined by `", "` (RFC 9110 §5.2), those of Cookie by `"; "`
   * (RFC 6265 §4.2.1). `undefined` when absent.
   */
  field(name: FieldId | string): string | undefined {
    const first = this.indexOf(name);
    if (first < 0) return undefined;
    let value = this.fieldValue(first);
    let i = this.indexOf(name, first + 1);
    if (i < 0) return value;
    const separator = this.fieldId(first) === FIELD.cookie ? COOKIE_SEPARATOR : LIST_SEPARATOR;
    for (; i >= 0; i = this.indexOf(name, i + 1)) value += separator + this.fieldValue(i);
    return value;
  }

  /** All lines as a flat list for adapters: name, value, name, value …; names as sent. */
  toFields(): string[] {
    const fields: string[] = [];
    for (let i = 0; i < this.fieldCount; i++) {
      fields.push(this.text(this.nameStart(i), this.nameEnd(i)), this.fieldValue(i));
    }
    return fields;
  }
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}
