import { StructuredFieldError } from "./error.js";
import type { BareItem, Dictionary, InnerList, Item, List, Member, Parameters } from "./types.js";

const KEY = /^[a-z*][a-z0-9_\-.*]*$/;
const TOKEN = /^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/;
const STRING = /^[ -~]*$/;
const INTEGER_MAX = 999_999_999_999_999;
const DECIMAL_MAX = 999_999_999_999;
const FRACTION = 1000;

/** RFC 9651 §4.1.3. @throws {StructuredFieldError} for a value out of its type's range */
export function serializeItem(item: Item): string {
  return bareItem(item) + parameters(item.parameters);
}

/** RFC 9651 §4.1.1; empty for an empty list, whose field is then not sent. @throws {StructuredFieldError} */
export function serializeList(list: List): string {
  return list.map(member).join(", ");
}

/** RFC 9651 §4.1.2; empty for an empty dictionary, whose field is then not sent. @throws {StructuredFieldError} */
export function serializeDictionary(dictionary: Dictionary): string {
  return [...dictionary]
    .map(([name, value]) => {
      const isTrue = value.type === "boolean" && value.value;
      return key(name) + (isTrue ? parameters(value.parameters) : `=${member(value)}`);
    })
    .join(", ");
}

function member(value: Member): string {
  return value.type === "innerList" ? innerList(value) : serializeItem(value);
}

function innerList({ items, parameters: found }: InnerList): string {
  return `(${items.map(serializeItem).join(" ")})${parameters(found)}`;
}

function parameters(found: Parameters | undefined): string {
  let text = "";
  for (const [name, value] of found ?? []) {
    text += `;${key(name)}`;
    if (value.type !== "boolean" || !value.value) text += `=${bareItem(value)}`;
  }
  return text;
}

function key(name: string): string {
  if (!KEY.test(name)) throw new StructuredFieldError(`${JSON.stringify(name)} is no key`);
  return name;
}

function bareItem(item: BareItem): string {
  switch (item.type) {
    case "integer":
      return integer(item.value);
    case "decimal":
      return decimal(item.value);
    case "string":
      if (!STRING.test(item.value))
        throw new StructuredFieldError("A string has ASCII letters only; use a display string");
      return `"${item.value.replace(/["\\]/g, "\\$&")}"`;
    case "token":
      if (!TOKEN.test(item.value))
        throw new StructuredFieldError(`${JSON.stringify(item.value)} is no token`);
      return item.value;
    case "bytes":
      return `:${Buffer.from(item.value).toString("base64")}:`;
    case "boolean":
      return item.value ? "?1" : "?0";
    case "date":
      return `@${integer(item.value)}`;
    case "displayString":
      return displayString(item.value);
  }
}

function integer(value: number): string {
  if (!Number.isInteger(value) || Math.abs(value) > INTEGER_MAX) {
    throw new StructuredFieldError(`${value} is no integer of at most 15 digits`);
  }
  return String(value === 0 ? 0 : value);
}

/** Rounded to three digits behind the point, to the even one when in the middle. */
function decimal(value: number): string {
  const scaled = value * FRACTION;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const thousandths = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  const rounded = thousandths / FRACTION;
  if (!Number.isFinite(value) || Math.trunc(Math.abs(rounded)) > DECIMAL_MAX) {
    throw new StructuredFieldError(`${value} is no decimal of at most 12 digits before the point`);
  }
  const text = rounded.toFixed(3).replace(/0{1,2}$/, "");
  return text === "-0.0" ? "0.0" : text;
}

function displayString(value: string): string {
  if (Buffer.from(value, "utf8").toString("utf8") !== value) {
    throw new StructuredFieldError("A display string has Unicode characters only, no lone surrogates");
  }
  let text = '%"';
  for (const octet of Buffer.from(value, "utf8")) {
    const plain = octet >= 0x20 && octet <= 0x7e && octet !== 0x25 && octet !== 0x22;
    text += plain ? String.fromCharCode(octet) : `%${octet.toString(16).padStart(2, "0")}`;
  }
  return `${text}"`;
}
