interface ErrorRow {
  /** The HTTP status that a request which fails with it is answered with; `undefined` when it belongs to none. */
  readonly status: number | undefined;
  readonly meaning: string;
}

/** Every error of this package. The README's table is pinned to it by a test. */
export const CLOUDTERM_ERRORS = {
  TZ_CLOUDTERM_OPTION: {
    status: undefined,
    meaning: "An option is unknown, of the wrong type or out of bounds.",
  },
  TZ_CLOUDTERM_USERS_FILE: { status: undefined, meaning: "The users file cannot be read or is malformed." },
  TZ_CLOUDTERM_USER_NAME: { status: 400, meaning: "A user name is empty, too long or has other characters." },
  TZ_CLOUDTERM_USER_EXISTS: { status: 409, meaning: "There is a user of that name already." },
  TZ_CLOUDTERM_USER_UNKNOWN: { status: 404, meaning: "There is no user of that name." },
  TZ_CLOUDTERM_PASSWORD: {
    status: 400,
    meaning: "A new password is too short, too long for its hash, or holds a NUL byte.",
  },
  TZ_CLOUDTERM_BUSY: { status: 429, meaning: "Too many passwords wait to be verified." },
  TZ_CLOUDTERM_RATE: { status: 429, meaning: "Too many attempts; `Retry-After` says when to come again." },
  TZ_CLOUDTERM_LOGIN: { status: 401, meaning: "The user name, the password or the second factor is wrong." },
  TZ_CLOUDTERM_SETUP: { status: 403, meaning: "The setup link was used, is over, or is not the right one." },
  TZ_CLOUDTERM_SESSION: { status: 401, meaning: "There is no valid session." },
  TZ_CLOUDTERM_FORBIDDEN: { status: 403, meaning: "The session may not do that." },
  TZ_CLOUDTERM_ORIGIN: { status: 403, meaning: "`Origin` is not the gateway's own." },
  TZ_CLOUDTERM_HOST: { status: 403, meaning: "`Host` is none of the gateway's names." },
  TZ_CLOUDTERM_CSRF: { status: 403, meaning: "`X-CSRF-Token` is missing or is not the session's." },
  TZ_CLOUDTERM_REQUEST: { status: 400, meaning: "The request's body or parameters are malformed." },
  TZ_CLOUDTERM_NOT_FOUND: { status: 404, meaning: "There is no such thing, or it belongs to somebody else." },
  TZ_CLOUDTERM_FILE: { status: 400, meaning: "The file cannot be read or written there." },
  TZ_CLOUDTERM_FILE_EXISTS: { status: 409, meaning: "There is a file of that name already." },
  TZ_CLOUDTERM_FILE_SIZE: { status: 413, meaning: "The file is larger than is allowed." },
  TZ_CLOUDTERM_TERMINALS: { status: 429, meaning: "As many terminals are open as are allowed." },
  TZ_CLOUDTERM_SIZE: { status: 400, meaning: "Columns or rows are not whole numbers from 1 to 1000." },
  TZ_CLOUDTERM_BACKEND: { status: 502, meaning: "The terminal's back end refuses, fails or is not there." },
  TZ_CLOUDTERM_STORE: {
    status: 503,
    meaning: "What logins and limits are kept in does not answer; `Retry-After` says when to come again.",
  },
  TZ_CLOUDTERM_UPSTREAM: { status: 502, meaning: "The upstream refuses, fails or does not answer in time." },
} as const satisfies Record<string, ErrorRow>;

export type CloudtermErrorCode = keyof typeof CLOUDTERM_ERRORS;

export interface CloudtermErrorOptions extends ErrorOptions {
  /** When to come again; sent as `Retry-After` in whole seconds. */
  readonly retryAfterMs?: number;
}

/** An error of `@tz/cloudterm`; match on `code`. */
export class CloudtermError extends Error {
  override readonly name = "CloudtermError";
  readonly code: CloudtermErrorCode;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: CloudtermErrorCode, message?: string, options: CloudtermErrorOptions = {}) {
    super(message ?? CLOUDTERM_ERRORS[code].meaning, options);
    this.code = code;
    this.status = CLOUDTERM_ERRORS[code].status;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** More fields of the answer; `@tz/server` sends them. */
  get fields(): readonly string[] | undefined {
    if (this.retryAfterMs === undefined) return undefined;
    return ["Retry-After", String(Math.max(1, Math.ceil(this.retryAfterMs / 1000)))];
  }
}

/** How a bad value is shown in a message: strings quoted and cut, objects by their kind. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return String(value);
}
