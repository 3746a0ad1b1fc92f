/** What is sent with a file because of its name: type, caching, and what the options add. */

import { cacheControlOf } from "../negotiate/cache-control.js";
import { corsFields, isSameForAll } from "../negotiate/cors.js";
import { mediaTypeOf } from "../negotiate/media-type.js";
import type { FieldMap, ManifestFile, ResolvedOptions } from "../options.js";
import { addVary, fieldIn, setField } from "./field-list.js";

export interface FileDescription {
  readonly mediaType: string;
  /** Fields of every 200, 206 and 304: `Cache-Control`, `Vary`, what was configured. */
  readonly fields: readonly string[];
}

/**
 * @param varies fields that another request could have got another form by
 * @param isAddressed it was asked for by a name that holds the hash of its content
 */
export function describeFile(
  path: string,
  options: ResolvedOptions,
  varies: readonly string[],
  known: ManifestFile | undefined,
  isAddressed = false,
): FileDescription {
  const fields: string[] = [];
  const cacheControl = cacheControlOf(path, options, known, isAddressed);
  if (cacheControl !== undefined) fields.push("Cache-Control", cacheControl);
  for (const link of linksOf(known)) fields.push("Link", link);
  addFields(fields, path, options);
  addVary(fields, ...varies);
  const own = fieldIn(fields, "content-type");
  return shared({
    mediaType: own ?? mediaTypeOf(path, { charset: options.charset, overrides: options.mime }),
    fields: own === undefined ? fields : withoutField(fields, "content-type"),
  });
}

/** Most files of a site have one of a few descriptions: they hold the same object. */
const SHARED_MAX = 1024;
const descriptions = new Map<string, FileDescription>();

function shared(description: FileDescription): FileDescription {
  const key = `${description.mediaType}\n${description.fields.join("\n")}`;
  const known = descriptions.get(key);
  if (known !== undefined) return known;
  if (descriptions.size >= SHARED_MAX) descriptions.clear();
  descriptions.set(key, description);
  return description;
}

/** What the options add to an answer for this path, whatever it is. */
export function addFields(fields: string[], path: string, options: ResolvedOptions): void {
  setAll(fields, options.securityHeaders);
  if (options.cors !== false) {
    if (isSameForAll(options.cors)) fields.push(...corsFields(options.cors, undefined));
    else addVary(fields, "Origin");
  }
  setAll(fields, options.headers?.(path));
}

function setAll(fields: string[], more: FieldMap | undefined): void {
  for (const [name, value] of Object.entries(more ?? {})) setField(fields, name, value);
}

function withoutField(fields: readonly string[], name: string): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.toLowerCase() !== name) kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept;
}

const KIND_BY_EXTENSION: Readonly<Record<string, string>> = {
  css: "style",
  js: "script",
  mjs: "script",
  woff2: "font",
  woff: "font",
  png: "image",
  jpg: "image",
  svg: "image",
  avif: "image",
  webp: "image",
  json: "fetch",
  wasm: "fetch",
};

/** `Link` values for the preloads of a page (RFC 8288). Whole values, `<…>; rel=…`, are taken as they are. */
export function linksOf(known: ManifestFile | undefined): string[] {
  return (known?.preload ?? []).map((target) => {
    if (target.startsWith("<")) return target;
    const kind =
      KIND_BY_EXTENSION[
        target
          .replace(/[?#].*$/, "")
          .split(".")
          .at(-1) ?? ""
      ];
    const crossOrigin = kind === "font" || kind === "fetch" ? "; crossorigin" : "";
    return `<${encodeURI(target)}>; rel=preload${kind === undefined ? "" : `; as=${kind}`}${crossOrigin}`;
  });
}
