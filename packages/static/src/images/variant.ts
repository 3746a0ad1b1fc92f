/** Which form of an image a request asks for. */
import { createHash } from "node:crypto";
import { weightOfType } from "../negotiate/accept.js";
import { extensionOf } from "../negotiate/media-type.js";
import type { ImageFormat, ResolvedImageOptions } from "./options.js";

/** What a converted image is written as. */
export type OutputFormat = ImageFormat | "jpeg" | "png";

export interface Variant {
  readonly format: OutputFormat;
  /** Pixels; `undefined` keeps the width. */
  readonly width: number | undefined;
}

/** Raster images that can be read. Vector images and animations are left as they are. */
const SOURCE_FORMAT: Readonly<Record<string, OutputFormat>> = {
  jpg: "jpeg",
  jpeg: "jpeg",
  png: "png",
  webp: "webp",
  avif: "avif",
};

const MEDIA_TYPE: Readonly<Record<OutputFormat, string>> = {
  avif: "image/avif",
  webp: "image/webp",
  jpeg: "image/jpeg",
  png: "image/png",
};

/** The format of an image that may be converted, by its name. */
export function sourceFormatOf(path: string): OutputFormat | undefined {
  return SOURCE_FORMAT[extensionOf(path)];
}

/** The value of `w` in a target's query: a width, `"invalid"`, or nothing. */
export function widthOf(target: string, widths: readonly number[]): number | "invalid" | undefined {
  const mark = target.indexOf("?");
  if (mark < 0) return undefined;
  const given = target
    .slice(mark + 1)
    .split("&")
    .filter((part) => part === "w" || part.startsWith("w="));
  if (given.length === 0) return undefined;
  const text = given[0]!.slice(2);
  // One spelling of each number, so that caches in front hold one copy.
  const width = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return given.length === 1 && widths.includes(width) ? width : "invalid";
}

/**
 * The form for a client, `undefined` when the image as it is serves it best. A new format has to be named in
 * `Accept`: browsers that read it do, and a wildcard comes from programs that may not.
 */
export function variantFor(
  source: OutputFormat,
  accept: string | undefined,
  width: number | undefined,
  { formats }: ResolvedImageOptions,
): Variant | undefined {
  let best: OutputFormat = source;
  let bestWeight = accept === undefined ? 1 : weightOfType(accept, MEDIA_TYPE[source]);
  // An image that is in one of the formats already is only converted for who weighs another one more.
  let isFirst = !formats.some((format) => format === source);
  for (const format of formats) {
    if (format === source || accept?.toLowerCase().includes(MEDIA_TYPE[format]) !== true) continue;
    const weight = weightOfType(accept, MEDIA_TYPE[format]);
    // At equal weight a smaller format wins over the source, and the server's order decides between two of them.
    if (weight > 0 && (weight > bestWeight || (isFirst && weight >= bestWeight))) {
      best = format;
      bestWeight = weight;
      isFirst = false;
    }
  }
  return best === source && width === undefined ? undefined : { format: best, width };
}

/**
 * The name under which a form is kept. It holds everything that the form was made from: the path, the version of the
 * source (time of its last change and size), and how it is converted. Another version is another name.
 */
export function nameOf(
  path: string,
  version: string,
  { format, width }: Variant,
  options: ResolvedImageOptions,
): string {
  const quality = qualityOf(format, options);
  const key = JSON.stringify([1, path, version, format, width ?? 0, quality]);
  return `${createHash("sha256").update(key).digest("base64url").replace(/^[-_]/, "0")}.${format}`;
}

export function qualityOf(format: OutputFormat, options: ResolvedImageOptions): number {
  if (format === "avif") return options.avifQuality;
  if (format === "webp") return options.webpQuality;
  return options.jpegQuality;
}
