import { FIELD, type FieldId, type PlanMount, type PlanRequest, type ResponsePlan } from "@tz/http1";
import type { ServerRequest } from "../request.js";
import { withFields } from "../response/field-list.js";
import { replacedPlan } from "../response/replaced-plan.js";
import { checkReplyOptions } from "./reply-options.js";

export interface FileOptions {
  /** Offers the file for saving under this name (`Content-Disposition: attachment`, RFC 6266). */
  readonly download?: string;
  /** Fields of the answer that has the file, or says that it has not changed; they replace the mount's own. */
  readonly fields?: readonly string[];
}

const DEFAULTS: FileOptions = {};
const OPTIONS = ["download", "fields"];

/** What asks for a part of a file, or for nothing when the client has it: of GET and HEAD only. */
const CONDITIONS: readonly FieldId[] = [
  FIELD.ifMatch,
  FIELD.ifNoneMatch,
  FIELD.ifModifiedSince,
  FIELD.ifUnmodifiedSince,
  FIELD.ifRange,
  FIELD.range,
];
const CONDITION_NAMES = new Set([
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "range",
]);
const CONDITION_MASK = CONDITIONS.reduce((mask, id) => mask | (1 << id), 0);

/**
 * A file of a mount, chosen by the handler: with the mount's ranges, validators, compression, cache and `sendfile`, and
 * within the mount's directory and rules, whatever the path says.
 *
 * ```ts
 * const reports = staticMount("/reports", "/srv/reports");
 * app.get("/report/:id(int)", (request) => file(request, reports, `${request.params.id}.pdf`, { download: "report.pdf" }));
 * ```
 * @param files a mount of `@tz/static`; it need not be mounted. Who makes it closes it, unless `app.mount` took it
 * @param path below the mount's directory, as the file is named (not percent-encoded)
 * @returns what the mount answers: 200, 206, 304, 404, 412, 416 …
 */
export function file(
  request: ServerRequest<never, never> | ServerRequest,
  files: PlanMount,
  path: string,
  options: FileOptions = DEFAULTS,
): ResponsePlan | Promise<ResponsePlan> {
  if (options !== DEFAULTS) checkReplyOptions("file", options, OPTIONS);
  const plan = files.plan(new FileRequest(request.head, targetOf(files.prefix, path)));
  const { download, fields = [] } = options;
  if (download === undefined && fields.length === 0) return plan;
  const disposition = download === undefined ? [] : ["Content-Disposition", attachment(download)];
  const more = [...disposition, ...fields];
  return plan instanceof Promise ? plan.then((made) => dressed(made, more)) : dressed(plan, more);
}

function targetOf(prefix: string, path: string): string {
  const base = prefix === "/" ? "" : prefix;
  // What is no text has no name in UTF-8.
  const text = path.replace(/[\ud800-\udfff]/gu, "\ufffd").replace(/^\/+/, "");
  return `${base}/${text.split("/").map(encodeURIComponent).join("/")}`;
}

/** The plan with more fields, when it is about the file. */
function dressed(plan: ResponsePlan, fields: readonly string[]): ResponsePlan {
  const { status } = plan.head;
  if (status !== 200 && status !== 206 && status !== 304) return plan;
  return replacedPlan(plan, status, withFields(plan.head.fields, fields));
}

/** RFC 6266 §4.3 and appendix D: a name for every client, and the real one for those that know RFC 8187. */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  if (plain === name) return `attachment; filename="${name}"`;
  const encoded = encodeURIComponent(name.replace(/[\ud800-\udfff]/gu, "\ufffd")).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** The request as one for the file. An answer to POST is all of the file. */
class FileRequest implements PlanRequest {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: number;
  readonly fieldMask: number;
  readonly #request: PlanRequest;
  readonly #whole: boolean;

  constructor(request: PlanRequest, target: string) {
    const isRead = request.method === "GET" || request.method === "HEAD";
    this.method = isRead ? request.method : "GET";
    this.target = target;
    this.minorVersion = request.minorVersion;
    this.fieldMask = isRead ? request.fieldMask : request.fieldMask & ~CONDITION_MASK;
    this.#request = request;
    this.#whole = !isRead;
  }

  field(name: FieldId | string): string | undefined {
    if (this.#whole) {
      const isCondition =
        typeof name === "string"
          ? CONDITION_NAMES.has(name)
          : (CONDITIONS as readonly number[]).includes(name);
      if (isCondition) return undefined;
    }
    return this.#request.field(name);
  }
}
