import { parseBareItem } from "./parse-bare-item.js";
import { Reader } from "./reader.js";
import type { BareItem, Dictionary, InnerList, Item, List, Member, Parameters } from "./types.js";

const NO_PARAMETERS: Parameters = new Map();

/**
 * An Item (RFC 9651 §4.2.3).
 * @throws {StructuredFieldError} when the text is none; the field is then to be ignored
 */
export function parseItem(text: string): Item {
  return parseWhole(text, item);
}

/**
 * A List (RFC 9651 §4.2.1). Several field lines are joined with commas first; an empty text is an empty list.
 * @throws {StructuredFieldError} when the text is none; the field is then to be ignored
 */
export function parseList(text: string): List {
  return parseWhole(text, list);
}

/**
 * A Dictionary (RFC 9651 §4.2.2). Several field lines are joined with commas first; the last of equal keys counts.
 * @throws {StructuredFieldError} when the text is none; the field is then to be ignored
 */
export function parseDictionary(text: string): Dictionary {
  return parseWhole(text, dictionary);
}

function parseWhole<T>(text: string, parse: (reader: Reader) => T): T {
  const reader = new Reader(text);
  reader.skipSpaces();
  const value = parse(reader);
  reader.skipSpaces();
  if (!reader.atEnd) throw reader.error("Unexpected character");
  return value;
}

function list(reader: Reader): List {
  const members: Member[] = [];
  while (!reader.atEnd) {
    members.push(member(reader));
    if (!nextMember(reader)) break;
  }
  return members;
}

function dictionary(reader: Reader): Dictionary {
  const members = new Map<string, Member>();
  while (!reader.atEnd) {
    const key = reader.key();
    members.set(
      key,
      reader.take("=") ? member(reader) : { type: "boolean", value: true, parameters: parameters(reader) },
    );
    if (!nextMember(reader)) break;
  }
  return members;
}

/** Whether another member follows a comma. */
function nextMember(reader: Reader): boolean {
  reader.skipWhiteSpace();
  if (reader.atEnd) return false;
  if (!reader.take(",")) throw reader.error("A comma is missing");
  reader.skipWhiteSpace();
  if (reader.atEnd) throw reader.error("Nothing follows the comma");
  return true;
}

function member(reader: Reader): Member {
  return reader.peek === "(" ? innerList(reader) : item(reader);
}

function innerList(reader: Reader): InnerList {
  reader.take("(");
  const items: Item[] = [];
  for (;;) {
    reader.skipSpaces();
    if (reader.take(")")) return { type: "innerList", items, parameters: parameters(reader) };
    items.push(item(reader));
    if (reader.peek !== " " && reader.peek !== ")")
      throw reader.error("A space or the end of the inner list is missing");
  }
}

function item(reader: Reader): Item {
  const bare = parseBareItem(reader);
  return { ...bare, parameters: parameters(reader) };
}

function parameters(reader: Reader): Parameters {
  if (reader.peek !== ";") return NO_PARAMETERS;
  const found = new Map<string, BareItem>();
  while (reader.take(";")) {
    reader.skipSpaces();
    const key = reader.key();
    found.set(key, reader.take("=") ? parseBareItem(reader) : { type: "boolean", value: true });
  }
  return found;
}
