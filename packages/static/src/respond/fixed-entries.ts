/** Entries of paths that are no files: a redirect, a refusal. */
import { type PlanRequest, ResponseHead, type ResponsePlan } from "@tz/http1";
import { Entry, type Probe } from "../cache/entry.js";
import { errorPlan, LOCKED_DOWN } from "./error-pages.js";
import { mergeFields } from "./field-list.js";

/** 308 keeps the method, and is kept by caches as 301 is (RFC 9110 §15.4.9). */
const REDIRECT_STATUS = 308;

/**
 * The body is empty: nothing of the request is repeated but the query, and the canonical target in `Location`.
 * @param target of the request
 */
export function redirectPlan(location: string, target: string, own: readonly string[] = []): ResponsePlan {
  const fields = ["Location", location + queryOf(target), "Content-Length", "0", ...LOCKED_DOWN];
  return { head: new ResponseHead(REDIRECT_STATUS, mergeFields(fields, own)), body: { kind: "none" } };
}

/** With its question mark; nothing in it can end a line of the head that it goes into. */
function queryOf(target: string): string {
  const mark = target.indexOf("?");
  if (mark < 0) return "";
  return target.slice(mark).replace(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character));
}

export class RedirectEntry extends Entry {
  readonly #location: string;
  readonly #fields: readonly string[];

  /** @param fields what the options add to answers that are no file */
  constructor(target: string, probes: readonly Probe[], location: string, fields: readonly string[] = []) {
    super(target, probes);
    this.#location = location;
    this.#fields = fields;
  }

  override answer(request: PlanRequest, own?: readonly string[]): ResponsePlan {
    const fields = own === undefined ? this.#fields : mergeFields([...this.#fields], own);
    return redirectPlan(this.#location, request.target, fields);
  }
}

export class RefusedEntry extends Entry {
  readonly status: number;
  /** It is a directory that has no index and is not listed: an application may have a page for it. */
  readonly isDirectory: boolean;

  override get isRefusal(): boolean {
    return true;
  }

  constructor(target: string, probes: readonly Probe[], status: number, isDirectory = false) {
    super(target, probes);
    this.status = status;
    this.isDirectory = isDirectory;
    // A full disk or a lack of descriptors is over as soon as it is over.
    this.isCacheable = status < 500;
  }

  override answer(request: PlanRequest, own?: readonly string[]): ResponsePlan {
    return errorPlan(request, this.status, own);
  }
}
