/** Answers with digests that this client wants and others do not get unasked (RFC 9530 §4). */
import { FIELD, type PlanRequest, type ResponsePlan } from "@tz/http1";
import { hashPool } from "../digest/hash-pool.js";
import { wantedDigest } from "../digest/want-digest.js";
import { parseRange } from "../negotiate/byte-ranges.js";
import type { DigestAlgorithm } from "../options.js";
import type { Form } from "./form.js";
import type { FormMaker } from "./form-maker.js";
import type { FormSet, StoredForm } from "./form-set.js";
import { within } from "./patience.js";
import { type Digests, digestValue } from "./representation.js";

/** How long a client that wants a digest, or knows a strong tag, waits for the hash of a file. */
export const HASH_WAIT_MS = 100;
/** Parts up to this size get a Content-Digest when a client wants one. */
const PART_BYTES_MAX = 8 * 1024 * 1024;

export const WANT_DIGEST_MASK = (1 << FIELD.wantReprDigest) | (1 << FIELD.wantContentDigest);

export class WantedDigests {
  readonly #forms: FormSet;
  readonly #maker: FormMaker;
  readonly #maxRanges: number;

  constructor(forms: FormSet, maker: FormMaker, maxRanges: number) {
    this.#forms = forms;
    this.#maker = maker;
    this.#maxRanges = maxRanges;
  }

  /** @param request may be read after the turn in which it came */
  async answer(of: StoredForm, request: PlanRequest, own: readonly string[] = []): Promise<ResponsePlan> {
    const { form } = of;
    const fields = [...own];
    form.retain();
    try {
      const known = form.representation.init.digests;
      const wantedRepr = wantedDigest(request.field(FIELD.wantReprDigest));
      if (wantedRepr !== undefined && !known.has(wantedRepr)) {
        const digests = await this.#whole(of, wantedRepr);
        if (digests !== undefined) fields.push("Repr-Digest", digestValue(new Map([...known, ...digests])));
      }
      const plan = form.answer(request, fields.length === 0 ? undefined : fields);
      const wantedContent = wantedDigest(request.field(FIELD.wantContentDigest));
      if (wantedContent === undefined || plan.body.kind === "none") return plan;
      const digests = await this.#content(of, request, plan.head.status, wantedContent);
      if (digests === undefined) return plan;
      plan.release?.();
      return form.answer(request, [...fields, "Content-Digest", digestValue(digests)]);
    } finally {
      form.release();
    }
  }

  async #content(
    of: StoredForm,
    request: PlanRequest,
    status: number,
    algorithm: DigestAlgorithm,
  ): Promise<Digests | undefined> {
    if (status === 200) return this.#whole(of, algorithm);
    const part = status === 206 ? this.#partOf(of.form, request) : undefined;
    if (part === undefined || hashPool.isBusy) return undefined;
    return within(this.#maker.hash(of.form, [algorithm], ...part), HASH_WAIT_MS);
  }

  async #whole(of: StoredForm, algorithm: DigestAlgorithm): Promise<Digests | undefined> {
    const finding = this.#forms.digest(of, algorithm);
    return finding && within(finding, HASH_WAIT_MS);
  }

  /** Which bytes a 206 has; `undefined` when it is several parts, or too much to hash meanwhile. */
  #partOf(form: Form, request: PlanRequest): readonly [start: number, end: number] | undefined {
    const ranges = parseRange(request.field(FIELD.range) ?? "", form.content.byteLength, this.#maxRanges);
    const [only, second] = typeof ranges === "string" ? [] : ranges;
    if (only === undefined || second !== undefined) return undefined;
    return only.end - only.start <= PART_BYTES_MAX ? [only.start, only.end] : undefined;
  }
}
