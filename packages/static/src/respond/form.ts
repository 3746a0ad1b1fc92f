/** A representation together with its bytes, and the plans that are the same for everybody. */
import { FIELD, type PlanBody, type PlanRequest, ResponseHead, type ResponsePlan } from "@tz/http1";
import { Shared } from "../cache/shared.js";
import { parseRange } from "../negotiate/byte-ranges.js";
import { evaluatePreconditions, PRECONDITION_MASK, rangeApplies } from "../negotiate/preconditions.js";
import { bodyOf, type Content, MemoryContent } from "./content.js";
import { errorPlan } from "./error-pages.js";
import { mergeFields } from "./field-list.js";
import { multipartAnswer } from "./multipart.js";
import type { Representation } from "./representation.js";
import { throttled } from "./throttle.js";

const RANGE_MASK = 1 << FIELD.range;

/** A request with none of these fields gets the whole of a form. */
export const CONDITIONAL_OR_RANGE_MASK = PRECONDITION_MASK | RANGE_MASK;

export interface FormRules {
  readonly maxRanges: number;
  readonly throttleBytesPerSecond: number | undefined;
  /** `103 Early Hints` to go before an answer with content. */
  readonly earlyHints: ResponseHead | undefined;
  /** What the options add to answers that are no file: the refusals of a request for one. */
  readonly refusalFields: readonly string[];
}

/** A plan that keeps its form alive. Made once and handed out often, or made for one request. */
export class FormPlan implements ResponsePlan {
  readonly head: ResponsePlan["head"];
  readonly body: ResponsePlan["body"];
  readonly packed: ResponsePlan["packed"];
  readonly earlyHints: ResponseHead | undefined;
  readonly #form: Form;

  constructor(
    form: Form,
    head: ResponsePlan["head"],
    body: ResponsePlan["body"],
    packed?: ResponsePlan["packed"],
    earlyHints?: ResponseHead,
  ) {
    this.#form = form;
    this.head = head;
    this.body = body;
    this.packed = packed;
    this.earlyHints = earlyHints;
  }

  /** One more executor has it. */
  retain(): void {
    this.#form.retain();
  }

  release(): void {
    this.#form.release();
  }
}

const NONE: readonly string[] = [];

export class Form extends Shared {
  readonly representation: Representation;
  readonly content: Content;
  /** `undefined` when each answer needs a body of its own. */
  readonly getPlan: FormPlan | undefined;
  readonly #rules: FormRules;
  #headPlan: FormPlan | undefined;
  #notModifiedPlan: FormPlan | undefined;

  /** Takes over one reference of the content. */
  constructor(representation: Representation, content: Content, rules: FormRules) {
    super();
    this.#rules = rules;
    this.representation = representation;
    this.content = content;
    if (rules.throttleBytesPerSecond === undefined) {
      const packed = content instanceof MemoryContent ? content.packed : undefined;
      this.getPlan = new FormPlan(this, representation.okHead, bodyOf(content), packed, rules.earlyHints);
    }
  }

  get headPlan(): FormPlan {
    this.#headPlan ??= new FormPlan(
      this,
      this.representation.okHead,
      { kind: "none" },
      this.content instanceof MemoryContent ? this.content.packedHead : undefined,
    );
    return this.#headPlan;
  }

  get notModifiedPlan(): FormPlan {
    this.#notModifiedPlan ??= new FormPlan(
      this,
      this.representation.notModifiedHead,
      { kind: "none" },
      this.content instanceof MemoryContent
        ? this.content.packedNotModified(this.representation.notModifiedHead)
        : undefined,
    );
    return this.#notModifiedPlan;
  }

  /**
   * The answer to a GET or HEAD of this form (RFC 9110 §13.2.2). The plan carries a reference of the form.
   * @param own fields for this request alone
   */
  answer(request: PlanRequest, own: readonly string[] = NONE): ResponsePlan {
    const { representation } = this;
    const verdict = evaluatePreconditions(request, representation);
    if (verdict === "failed")
      return errorPlan(request, 412, mergeFields([...this.#rules.refusalFields], own));
    if (verdict === "not-modified") {
      if (own === NONE) return shared(this.notModifiedPlan);
      return this.#once(new ResponseHead(304, mergeFields(representation.notModifiedFields(), own)), {
        kind: "none",
      });
    }
    if (request.method === "HEAD") return own === NONE ? shared(this.headPlan) : this.#whole(request, own);
    const isPart = (request.fieldMask & RANGE_MASK) !== 0 && representation.acceptsRanges;
    return isPart ? this.#part(request, own) : this.#whole(request, own);
  }

  /** The whole content under another head: an error page, or a stream made of it. */
  answerWith(
    request: PlanRequest,
    status: number,
    fields: readonly string[],
    change: (body: PlanBody) => PlanBody = (body) => body,
  ): ResponsePlan {
    const body: PlanBody =
      request.method === "HEAD" ? { kind: "none" } : this.#paced(change(bodyOf(this.content)));
    return this.#once(new ResponseHead(status, fields), body);
  }

  protected override dispose(): void {
    this.content.release();
  }

  #whole(request: PlanRequest, own: readonly string[]): ResponsePlan {
    if (own === NONE && this.getPlan !== undefined) return shared(this.getPlan);
    const { okHead } = this.representation;
    const head = own === NONE ? okHead : new ResponseHead(200, mergeFields([...okHead.fields], own));
    return this.#once(
      head,
      request.method === "HEAD" ? { kind: "none" } : this.#body(0, this.content.byteLength),
    );
  }

  #part(request: PlanRequest, own: readonly string[]): ResponsePlan {
    const { representation, content } = this;
    const range = request.field(FIELD.range);
    if (range === undefined || !rangeApplies(request, representation, Date.now()))
      return this.#whole(request, own);
    const ranges = parseRange(range, content.byteLength, this.#rules.maxRanges);
    if (ranges === "whole") return this.#whole(request, own);
    if (ranges === "unsatisfiable") {
      const fields = ["Content-Range", `bytes */${content.byteLength}`, ...this.#rules.refusalFields];
      return errorPlan(request, 416, mergeFields(fields, own));
    }
    const [only] = ranges;
    if (ranges.length === 1 && only !== undefined) {
      const fields = representation.fieldsFor(representation.mediaType, only.end - only.start);
      fields.push("Content-Range", `bytes ${only.start}-${only.end - 1}/${content.byteLength}`);
      return this.#once(new ResponseHead(206, mergeFields(fields, own)), this.#body(only.start, only.end));
    }
    const { fields, length, segments } = multipartAnswer(representation, content, ranges);
    return this.#once(
      new ResponseHead(206, mergeFields(fields, own)),
      this.#paced({ kind: "segments", length, segments }),
    );
  }

  #body(start: number, end: number): ResponsePlan["body"] {
    return this.#paced(bodyOf(this.content, start, end));
  }

  #paced(body: ResponsePlan["body"]): ResponsePlan["body"] {
    const { throttleBytesPerSecond } = this.#rules;
    return throttleBytesPerSecond === undefined ? body : throttled(body, throttleBytesPerSecond);
  }

  #once(head: ResponseHead, body: ResponsePlan["body"]): ResponsePlan {
    this.retain();
    const hints = body.kind === "none" ? undefined : this.#rules.earlyHints;
    return new FormPlan(this, head, body, undefined, hints);
  }
}

function shared(plan: FormPlan): FormPlan {
  plan.retain();
  return plan;
}
