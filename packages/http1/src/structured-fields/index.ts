export { StructuredFieldError } from "./error.js";
export { parseDictionary, parseItem, parseList } from "./parse.js";
export { serializeDictionary, serializeItem, serializeList } from "./serialize.js";
export type { BareItem, Dictionary, InnerList, Item, List, Member, Parameters } from "./types.js";
