/** The options of an image mount. Validation, types and the README's table come from this one table. */
import { StaticError, shown } from "../errors.js";
import { integer, isObject, type Rule, rule, someOf } from "../option-rules.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export type ImageFormat = "avif" | "webp";

export interface ImageOptions {
  /** Where converted images are kept; made when it is not there. Nobody else may write to it. */
  readonly cacheDir: string;
  /** What the directory may hold; the least recently asked for go. */
  readonly cacheBytes?: number;
  /** What images are converted to, in the server's order of preference, where `Accept` names it. */
  readonly formats?: readonly ImageFormat[] | boolean;
  /** Widths that may be asked for, as `?w=640`. */
  readonly widths?: readonly number[];
  readonly avifQuality?: number;
  readonly webpQuality?: number;
  /** Of images that keep their format and get another width. */
  readonly jpegQuality?: number;
  /** Larger files are served as they are. */
  readonly maxSourceBytes?: number;
  /** Images with more pixels too. */
  readonly maxSourcePixels?: number;
  /** The first client of a form waits no longer than this, then gets the image as it is. */
  readonly waitMs?: number;
  /** Conversions at a time, on the thread pool of libuv. */
  readonly concurrency?: number;
}

export interface ResolvedImageOptions {
  readonly cacheDir: string;
  readonly cacheBytes: number;
  readonly formats: readonly ImageFormat[];
  readonly widths: readonly number[];
  readonly avifQuality: number;
  readonly webpQuality: number;
  readonly jpegQuality: number;
  readonly maxSourceBytes: number;
  readonly maxSourcePixels: number;
  readonly waitMs: number;
  readonly concurrency: number;
}

const WIDTH_MAX = 16_383;
const WIDTHS_MAX = 64;

export const IMAGE_OPTIONS = {
  cacheDir: rule(
    "must be given",
    "a path",
    (given) => (typeof given === "string" && given !== "" ? { value: given } : undefined),
    { type: "string", minLength: 1 },
  ),
  cacheBytes: integer(256 * MiB, 1 * MiB, 1024 * GiB, "bytes"),
  formats: someOf(["avif", "webp"], ["avif", "webp"]),
  widths: rule(
    "[]",
    `a list of up to ${WIDTHS_MAX} integers from 1 to ${WIDTH_MAX} (pixels)`,
    (given) => {
      if (given === undefined) return { value: [] };
      const isGood =
        Array.isArray(given) &&
        given.length <= WIDTHS_MAX &&
        given.every((width) => Number.isInteger(width) && width >= 1 && width <= WIDTH_MAX);
      return isGood ? { value: [...given] } : undefined;
    },
    { type: "array", items: { type: "integer", minimum: 1, maximum: WIDTH_MAX }, maxItems: WIDTHS_MAX },
  ),
  avifQuality: integer(50, 1, 100, "quality"),
  webpQuality: integer(75, 1, 100, "quality"),
  jpegQuality: integer(80, 1, 100, "quality"),
  maxSourceBytes: integer(32 * MiB, 1 * KiB, 1 * GiB, "bytes"),
  maxSourcePixels: integer(50_000_000, 1, 1_000_000_000, "pixels"),
  waitMs: integer(1000, 0, 60_000, "ms"),
  concurrency: integer(2, 1, 64, "conversions"),
} as const satisfies Record<keyof ImageOptions, Rule>;

/** @throws {StaticError} `TZ_STATIC_OPTION`, naming the option, the value and what is allowed */
export function resolveImageOptions(given: ImageOptions): ResolvedImageOptions {
  const values: Record<string, unknown> = isObject(given) ? given : {};
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(IMAGE_OPTIONS, name)) continue;
    throw new StaticError(
      "TZ_STATIC_OPTION",
      `unknown option "${name}" (${shown(values[name])}); known are ${Object.keys(IMAGE_OPTIONS).join(", ")}`,
    );
  }
  const resolved = Object.entries<Rule>(IMAGE_OPTIONS).map(([name, { allowed, read }]) => {
    const result = read(values[name]);
    if (result !== undefined) return [name, result.value] as const;
    throw new StaticError(
      "TZ_STATIC_OPTION",
      `option "${name}" must be ${allowed}, got ${shown(values[name])}`,
    );
  });
  return Object.fromEntries(resolved) as unknown as ResolvedImageOptions;
}
