import { type PlanMount, ResponseHead, type ResponsePlan } from "@tz/http1";
import { Region } from "@tz/sys";

const LEAD_BYTES = 160;

/** One packed answer with a lead, and a count of who holds it. */
export class PackedMount implements PlanMount {
  readonly prefix = "/packed";
  readonly body: Buffer;
  readonly region: Region;
  held = 0;
  asked = 0;
  onPlan: (() => void) | undefined;
  readonly #plan: ResponsePlan;

  constructor(bodyBytes: number, hasLead: boolean) {
    const head = new ResponseHead(200, ["Content-Length", String(bodyBytes)]);
    this.body = Buffer.alloc(bodyBytes, "packed ");
    this.region = Region.allocate(LEAD_BYTES + head.byteLength + bodyBytes);
    head.writeTo(this.region.bytes, LEAD_BYTES);
    this.region.bytes.set(this.body, LEAD_BYTES + head.byteLength);
    this.#plan = {
      head,
      body: { kind: "bytes", bytes: this.body },
      packed: {
        address: this.region.address + LEAD_BYTES,
        byteLength: head.byteLength + bodyBytes,
        headByteLength: head.byteLength,
        lead: hasLead ? { bytes: this.region.bytes, end: LEAD_BYTES, written: undefined } : undefined,
      },
      release: () => void this.held--,
    };
  }

  plan(): ResponsePlan {
    this.held++;
    this.asked++;
    this.onPlan?.();
    return this.#plan;
  }
}
