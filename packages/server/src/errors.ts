import type { ResponsePlan } from "@tz/http1";

/**
 * Every error of this package. `status` is what a request that fails with it is answered with; `undefined` when
 * it never belongs to a request.
 */
export const SERVER_ERRORS = {
  TZ_SERVER_OPTION: {
    status: undefined,
    meaning: "An option is unknown, of the wrong type or out of bounds.",
  },
  TZ_SERVER_STATE: {
    status: undefined,
    meaning: "The call does not fit the state: listening twice, or after close.",
  },
  TZ_SERVER_LOOP_UNSUPPORTED: { status: undefined, meaning: "The loop that was asked for cannot run here." },
  TZ_SERVER_WORKER: { status: undefined, meaning: "A worker process ended before it listened." },
  TZ_SERVER_BODY_TOO_LARGE: { status: 413, meaning: "The request body is larger than `maxBodyBytes`." },
  TZ_SERVER_BODY_ABORTED: {
    status: 400,
    meaning: "The client went away before the end of the request body.",
  },
  TZ_SERVER_BODY_INVALID: {
    status: 400,
    meaning: "The chunked or content coding of the request body, or its form, is malformed.",
  },
  TZ_SERVER_BODY_CODING: { status: 415, meaning: "The `Content-Encoding` of the request body is not known." },
  TZ_SERVER_BODY_TIMEOUT: { status: 408, meaning: "The request body did not arrive within `bodyTimeoutMs`." },
  TZ_SERVER_INVALID_REQUEST: {
    status: 400,
    meaning: "A schema refuses parameters, query or fields of the request, or its body is no JSON.",
  },
  TZ_SERVER_INVALID_BODY: { status: 422, meaning: "A schema refuses the body of the request." },
  TZ_SERVER_INVALID_RESPONSE: {
    status: 500,
    meaning: "The route's `response` schema refuses the handler's value.",
  },
  TZ_SERVER_BODY_TYPE: { status: 415, meaning: "The route does not take a body of this type." },
  TZ_SERVER_HANDLER_TIMEOUT: { status: 503, meaning: "No answer within the route's `timeoutMs`." },
  TZ_SERVER_RATE: { status: 429, meaning: "More requests of one client than the route's `ratePerSecond`." },
  TZ_SERVER_COOKIE: {
    status: 500,
    meaning: "A cookie that browsers would refuse, or that would break the field.",
  },
  TZ_SERVER_URL: {
    status: 400,
    meaning: "A Fetch handler is asked for a URL that has no host, or another path than the one that came.",
  },
  TZ_SERVER_METHOD: { status: 501, meaning: "A Fetch handler is asked by CONNECT, TRACE or TRACK." },
  TZ_SERVER_OVERLOADED: { status: 503, meaning: "More requests wait than `maxQueuedRequests`." },
  TZ_SERVER_REQUEST_OVER: {
    status: 500,
    meaning: "A request is used after its handler has answered at once; see `request.keep()`.",
  },
  TZ_SERVER_CLIENT_GONE: {
    status: undefined,
    meaning: "The reason of `request.signal`: the client went away.",
  },
  TZ_SERVER_DEFER_FULL: { status: 503, meaning: "More deferred tasks than `maxDeferredTasks`." },
  TZ_SERVER_BODY_USED: { status: 500, meaning: "The handler reads the request body twice." },
} as const;

export type ServerErrorCode = keyof typeof SERVER_ERRORS;

export interface ServerErrorOptions extends ErrorOptions {
  /** Fields of the answer, as a flat list: `Retry-After` of a 503. */
  readonly fields?: readonly string[];
}

/** An error of `@tz/server`; match on `code`. */
export class ServerError extends Error {
  override readonly name: string = "ServerError";
  readonly code: ServerErrorCode;
  /** The HTTP status that a request failing with this error is answered with. */
  readonly status: number | undefined;
  /** More fields of that answer. */
  readonly fields: readonly string[] | undefined;

  constructor(code: ServerErrorCode, message: string, options: ServerErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.status = SERVER_ERRORS[code].status;
    this.fields = options.fields;
  }

  /** An answer that says more than the status. */
  plan?(): ResponsePlan;
}
