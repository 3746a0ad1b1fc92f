/** A representation together with its bytes, and the plans that are the same for everybody. */
import { FIELD, type PlanRequest, ResponseHead, type ResponsePlan } from "@tz/http1";
import { type Entry, EntryPlan } from "../cache/entry.js";
import { parseRange } from "../negotiate/byte-ranges.js";
import { evaluatePreconditions, PRECONDITION_MASK, rangeApplies } from "../negotiate/preconditions.js";
import { bodyOf, type Content, MemoryContent } from "./content.js";
import { errorPlan } from "./error-pages.js";
import { multipartAnswer } from "./multipart.js";
import type { Representation } from "./representation.js";

const RANGE_MASK = 1 << FIELD.range;

/** A request with none of these fields gets the whole of a form. */
export const CONDITIONAL_OR_RANGE_MASK = PRECONDITION_MASK | RANGE_MASK;

export interface FormLimits {
  readonly maxRanges: number;
}

export class Form {
  readonly representation: Representation;
  readonly content: Content;
  readonly getPlan: ResponsePlan;
  readonly #entry: Entry;
  readonly #limits: FormLimits;
  #headPlan: ResponsePlan | undefined;
  #notModifiedPlan: ResponsePlan | undefined;

  constructor(entry: Entry, representation: Representation, content: Content, limits: FormLimits) {
    this.#entry = entry;
    this.#limits = limits;
    this.representation = representation;
    this.content = content;
    const packed = content instanceof MemoryContent ? content.packed : undefined;
    this.getPlan = new EntryPlan(entry, representation.okHead, bodyOf(content), packed);
  }

  get headPlan(): ResponsePlan {
    this.#headPlan ??= new EntryPlan(
      this.#entry,
      this.representation.okHead,
      { kind: "none" },
      this.content instanceof MemoryContent ? this.content.packedHead : undefined,
    );
    return this.#headPlan;
  }

  get notModifiedPlan(): ResponsePlan {
    this.#notModifiedPlan ??= new EntryPlan(
      this.#entry,
      this.representation.notModifiedHead,
      { kind: "none" },
      this.content instanceof MemoryContent ? this.content.packedNotModified : undefined,
    );
    return this.#notModifiedPlan;
  }

  /** The answer to a GET or HEAD of this form (RFC 9110 §13.2.2). The plan carries one reference of the entry. */
  answer(request: PlanRequest): ResponsePlan {
    const { representation } = this;
    const verdict = evaluatePreconditions(request, representation);
    if (verdict === "failed") return errorPlan(request, 412);
    if (verdict === "not-modified") return this.#shared(this.notModifiedPlan);
    if (request.method === "HEAD") return this.#shared(this.headPlan);
    if ((request.fieldMask & RANGE_MASK) === 0 || !representation.acceptsRanges)
      return this.#shared(this.getPlan);
    return this.#rangeAnswer(request);
  }

  #rangeAnswer(request: PlanRequest): ResponsePlan {
    const { representation, content } = this;
    const range = request.field(FIELD.range);
    if (range === undefined || !rangeApplies(request, representation, Date.now()))
      return this.#shared(this.getPlan);
    const ranges = parseRange(range, content.byteLength, this.#limits.maxRanges);
    if (ranges === "whole") return this.#shared(this.getPlan);
    if (ranges === "unsatisfiable") {
      return errorPlan(request, 416, ["Content-Range", `bytes */${content.byteLength}`]);
    }
    const [only] = ranges;
    if (ranges.length === 1 && only !== undefined) {
      const fields = representation.fieldsFor(representation.mediaType, only.end - only.start);
      fields.push("Content-Range", `bytes ${only.start}-${only.end - 1}/${content.byteLength}`);
      return this.#once(new ResponseHead(206, fields), bodyOf(content, only.start, only.end));
    }
    const { head, length, segments } = multipartAnswer(representation, content, ranges);
    return this.#once(head, { kind: "segments", length, segments });
  }

  #shared(plan: ResponsePlan): ResponsePlan {
    this.#entry.retain();
    return plan;
  }

  #once(head: ResponseHead, body: ResponsePlan["body"]): ResponsePlan {
    this.#entry.retain();
    return new EntryPlan(this.#entry, head, body);
  }
}
