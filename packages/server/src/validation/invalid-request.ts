import { REASON_PHRASES, type ResponsePlan } from "@tz/http1";
import { ServerError } from "../errors.js";
import { json } from "../handlers/reply.js";

/** The part of a request that a schema looks at. */
export type RequestPart = "params" | "query" | "headers" | "body";

export interface Problem {
  readonly in: RequestPart;
  /** Where in that part, as a JSON pointer (RFC 6901); empty for the whole. */
  readonly pointer: string;
  readonly detail: string;
}

/** A request that a schema refuses. Answered by problem details (RFC 9457) that name every error's path. */
export class InvalidRequest extends ServerError {
  override readonly name = "InvalidRequest";
  readonly problems: readonly Problem[];

  constructor(code: "TZ_SERVER_INVALID_REQUEST" | "TZ_SERVER_INVALID_BODY", problems: readonly Problem[]) {
    super(code, problems.map(({ in: part, pointer, detail }) => `${part}${pointer}: ${detail}`).join("; "));
    this.problems = problems;
  }

  override plan(): ResponsePlan {
    const status = this.status!;
    return problem({ status, title: REASON_PHRASES[status]!, errors: this.problems });
  }
}

/** Members of a problem that have a meaning of their own (RFC 9457 §3.1); others may be added. */
export interface ProblemDetails {
  readonly status: number;
  /** A URI that names the kind of problem. Default `about:blank`: nothing beyond the status. */
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly instance?: string;
  readonly [member: string]: unknown;
}

/** An answer of problem details (RFC 9457). */
export function problem(details: ProblemDetails, fields: readonly string[] = []): ResponsePlan {
  return json(
    { type: "about:blank", ...details },
    { status: details.status, fields, type: "application/problem+json" },
  );
}
