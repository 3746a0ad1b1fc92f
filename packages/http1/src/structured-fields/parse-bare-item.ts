import type { Reader } from "./reader.js";
import type { BareItem } from "./types.js";

const NUMBER = /-?\d+(?:\.\d*)?/y;
const STRING = /"(?:[ !#-[\]-~]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const BOOLEAN = /\?[01]/y;
/** Percent-encoding has two lower-case digits here. */
const DISPLAY_STRING = /%"(?:[ !#$&-~]|%[0-9a-f]{2})*"/y;
const INTEGER_DIGITS_MAX = 15;
const WHOLE_DIGITS_MAX = 12;
const FRACTION_DIGITS_MAX = 3;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** RFC 9651 §4.2.3.1: the first character tells the type. */
export function parseBareItem(reader: Reader): BareItem {
  const first = reader.peek;
  if (first === "-" || (first >= "0" && first <= "9")) return number(reader);
  if (first === '"')
    return { type: "string", value: expected(reader, STRING, "string").slice(1, -1).replace(/\\(.)/g, "$1") };
  if (first === ":") return bytes(reader);
  if (first === "?") return { type: "boolean", value: expected(reader, BOOLEAN, "boolean") === "?1" };
  if (first === "@") return date(reader);
  if (first === "%") return displayString(reader);
  return { type: "token", value: expected(reader, TOKEN, "item") };
}

function expected(reader: Reader, pattern: RegExp, what: string): string {
  const found = reader.match(pattern);
  if (found === undefined) throw reader.error(`This is no ${what}`);
  return found;
}

function number(reader: Reader): BareItem {
  const start = reader.at;
  const text = expected(reader, NUMBER, "number");
  const [whole = "", fraction] = text.replace("-", "").split(".");
  const good =
    fraction === undefined
      ? whole.length <= INTEGER_DIGITS_MAX
      : whole.length <= WHOLE_DIGITS_MAX && fraction.length >= 1 && fraction.length <= FRACTION_DIGITS_MAX;
  if (!good) {
    reader.at = start;
    throw reader.error("The number has too many digits, or none behind the point");
  }
  // Both zeros are one integer.
  return fraction === undefined
    ? { type: "integer", value: Number(text) || 0 }
    : { type: "decimal", value: Number(text) };
}

function bytes(reader: Reader): BareItem {
  const start = reader.at;
  const base64 = expected(reader, BYTES, "byte sequence").slice(1, -1);
  const letters = base64.replace(/=+$/, "").length;
  // Missing padding is accepted (RFC 9651 §4.2.7), wrong padding and a letter left over are not.
  if (letters % 4 === 1 || (base64.length > letters && base64.length % 4 !== 0)) {
    reader.at = start;
    throw reader.error("This is no base64");
  }
  return { type: "bytes", value: new Uint8Array(Buffer.from(base64, "base64")) };
}

function date(reader: Reader): BareItem {
  reader.take("@");
  const start = reader.at;
  const seconds = number(reader);
  if (seconds.type !== "integer") {
    reader.at = start;
    throw reader.error("A date has whole seconds");
  }
  return { type: "date", value: seconds.value };
}

function displayString(reader: Reader): BareItem {
  const start = reader.at;
  const encoded = expected(reader, DISPLAY_STRING, "display string").slice(2, -1);
  const octets = Buffer.from(
    encoded.replace(/%([0-9a-f]{2})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    ),
    "latin1",
  );
  try {
    return { type: "displayString", value: utf8.decode(octets) };
  } catch {
    reader.at = start;
    throw reader.error("The display string is not UTF-8");
  }
}
