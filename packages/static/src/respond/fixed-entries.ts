/** Entries of paths that are no files: a redirect, a refusal. */
import { type PlanRequest, ResponseHead, type ResponsePlan } from "@tz/http1";
import { Entry, type Probe } from "../cache/entry.js";
import { errorPlan, LOCKED_DOWN } from "./error-pages.js";

/** 308 keeps the method, and is kept by caches as 301 is (RFC 9110 §15.4.9). */
const REDIRECT_STATUS = 308;

/** The body is empty: nothing of the request is repeated but the canonical target in `Location`. */
export function redirectPlan(location: string, query: string): ResponsePlan {
  const fields = ["Location", location + query, "Content-Length", "0", ...LOCKED_DOWN];
  return { head: new ResponseHead(REDIRECT_STATUS, fields), body: { kind: "none" } };
}

export class RedirectEntry extends Entry {
  readonly #location: string;

  constructor(target: string, probes: readonly Probe[], location: string) {
    super(target, probes);
    this.#location = location;
  }

  override answer(request: PlanRequest): ResponsePlan {
    const mark = request.target.indexOf("?");
    return redirectPlan(this.#location, mark < 0 ? "" : visible(request.target.slice(mark)));
  }
}

/** Nothing in a query may end a line of the head it goes into. */
function visible(query: string): string {
  return query.replace(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character));
}

export class RefusedEntry extends Entry {
  readonly status: number;

  override get isRefusal(): boolean {
    return true;
  }

  constructor(target: string, probes: readonly Probe[], status: number) {
    super(target, probes);
    this.status = status;
    // A full disk or a lack of descriptors is over as soon as it is over.
    this.isCacheable = status < 500;
  }

  override answer(request: PlanRequest): ResponsePlan {
    return errorPlan(request, this.status);
  }
}
