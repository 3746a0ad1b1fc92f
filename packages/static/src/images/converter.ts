/** Converts images through `sharp`, which the user installs; its work is done on libuv's threads. */
import { StaticError } from "../errors.js";
import type { ResolvedImageOptions } from "./options.js";
import { qualityOf, type Variant } from "./variant.js";

/** Half of sharp's default: images are converted while somebody waits. */
const AVIF_EFFORT = 2;

type Sharp = typeof import("sharp").default;

/** @returns `undefined` when the result would not serve anybody better than the image as it is */
export type Convert = (source: Uint8Array, variant: Variant) => Promise<Uint8Array | undefined>;

/** @throws {StaticError} `TZ_STATIC_SHARP` when it is not installed or does not run here */
export async function loadConverter(options: ResolvedImageOptions): Promise<Convert> {
  let sharp: Sharp;
  try {
    sharp = (await import("sharp")).default;
  } catch (cause) {
    throw new StaticError("TZ_STATIC_SHARP", "image conversion needs the package sharp: npm i sharp", {
      cause,
    });
  }
  return (source, variant) => convert(sharp, source, variant, options);
}

async function convert(
  sharp: Sharp,
  source: Uint8Array,
  { format, width }: Variant,
  options: ResolvedImageOptions,
): Promise<Uint8Array | undefined> {
  const image = sharp(source, {
    limitInputPixels: options.maxSourcePixels,
    failOn: "error",
    sequentialRead: true,
  });
  const { pages = 1, format: given, autoOrient } = await image.metadata();
  // An animation would become its first picture.
  if (pages > 1) return undefined;
  const sourceFormat = given === "heif" ? "avif" : given;
  const shrinks = width !== undefined && width < autoOrient.width;
  if (!shrinks && format === sourceFormat) return undefined;
  // What the camera noted of its position is applied, since it is lost with the rest of the metadata.
  let pipeline = image.autoOrient();
  if (shrinks) pipeline = pipeline.resize({ width });
  const quality = qualityOf(format, options);
  if (format === "avif") pipeline = pipeline.avif({ quality, effort: AVIF_EFFORT });
  else if (format === "webp") pipeline = pipeline.webp({ quality });
  else if (format === "png") pipeline = pipeline.png();
  else pipeline = pipeline.jpeg({ quality });
  const converted = await pipeline.toBuffer();
  return converted.byteLength < source.byteLength ? converted : undefined;
}
