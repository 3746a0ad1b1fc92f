/** Every code that this package throws. The README's table is pinned to it by a test. */
export const STATIC_ERROR_CODES = {
  TZ_STATIC_OPTION: "an option is unknown, of the wrong type or out of its bounds",
  TZ_STATIC_PREFIX: "a mount prefix does not start with a slash, or is not in its canonical form",
  TZ_STATIC_ROOT: "the directory to serve does not exist, is not a directory or cannot be read",
  TZ_STATIC_MANIFEST: "the manifest file cannot be read, or is not one",
  TZ_STATIC_SHARP:
    "image conversion is asked for and the package sharp is not installed or does not run here",
} as const;

export type StaticErrorCode = keyof typeof STATIC_ERROR_CODES;

/** The error class of this package. Match on `code`, which is stable. Requests never throw it: they are answered. */
export class StaticError extends Error {
  override readonly name = "StaticError";
  readonly code: StaticErrorCode;

  constructor(code: StaticErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** How a bad value is shown in a message: strings quoted, objects by their kind, nothing long. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `[${value.slice(0, 5).map(shown).join(", ")}]`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
