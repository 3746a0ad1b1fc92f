/**
 * Memory for answers that nobody keeps, used again and again.
 *
 * ```
 *   region   [ slot 0 | slot 1 | … ]                          made when the first is asked for
 *   slot     [      …… head | body ……        ]
 *                   └ ends where the body begins, so that the file can be read before the head is known;
 *                     status line and Date are put before it when the answer leaves
 * ```
 *
 * A slot is its own plan: an answer makes no object. It is free again with `release()`.
 */
import {
  type PackedLead,
  type PackedResponse,
  type PlanBody,
  ResponseHead,
  type ResponsePlan,
} from "@tz/http1";
import { Region } from "@tz/sys";

const SLOT_BYTES = 16 * 1024;
/** A longer head goes the long way. */
export const HEAD_BYTES = 1024;
/** Files of this size and more go the long way. */
export const BODY_BYTES = SLOT_BYTES - HEAD_BYTES;
const SLOTS_A_REGION = 32;
/** 4 MiB: as many answers can wait for slow clients; for more the long way is taken. */
const SLOTS_MAX = 256;

const NO_FIELDS: readonly string[] = [];

/** The head that lies in a slot. Few executors look at more than its status. */
class SlotHead extends ResponseHead {
  readonly #slot: ColdSlot;

  constructor(slot: ColdSlot) {
    super(200, NO_FIELDS);
    this.#slot = slot;
    Object.defineProperty(this, "fields", { get: () => fieldsOf(slot.headText) });
  }

  override get byteLength(): number {
    return this.#slot.packed.headByteLength;
  }

  override get bytes(): Uint8Array {
    return Buffer.from(this.#slot.headText, "latin1");
  }

  override writeTo(target: Uint8Array, offset: number): void {
    target.set(this.bytes, offset);
  }
}

/** The body that lies in a slot. */
class SlotBody {
  readonly kind = "bytes";
  readonly #slot: ColdSlot;

  constructor(slot: ColdSlot) {
    this.#slot = slot;
  }

  get bytes(): Uint8Array {
    return this.#slot.bodyBytes;
  }
}

/** Where the parts of a head lie in a slot. */
export interface HeadLayout {
  /** What it was made of; `undefined` when nothing may be taken for granted. */
  parts: object | undefined;
  start: number;
  lengthDigits: number;
  /** -1: no date. */
  dateSeconds: number;
}

export class ColdSlot implements ResponsePlan {
  readonly head: ResponseHead = new SlotHead(this);
  readonly body: PlanBody = new SlotBody(this);
  readonly packed: PackedResponse;
  /** Where the body goes, up to {@link BODY_BYTES}. */
  readonly bodyAddress: number;
  /** The slot's memory: the head ends at {@link HEAD_BYTES}, where the body begins. */
  readonly bytes: Buffer;
  /** What lies in {@link bytes} of the head that was written last, for whoever writes the next. */
  readonly layout: HeadLayout = { parts: undefined, start: HEAD_BYTES, lengthDigits: 0, dateSeconds: -1 };
  readonly #slots: ColdSlots;
  readonly #lead: { -readonly [K in keyof PackedLead]: PackedLead[K] };
  #isTaken = false;

  /** @internal */
  constructor(slots: ColdSlots, region: Region, offset: number) {
    this.#slots = slots;
    this.bytes = Buffer.from(region.bytes.buffer, region.bytes.byteOffset + offset, SLOT_BYTES);
    this.bodyAddress = region.addressOf(offset + HEAD_BYTES, BODY_BYTES);
    this.#lead = { bytes: this.bytes, end: 0, written: undefined };
    this.packed = { address: 0, byteLength: 0, headByteLength: 0, lead: this.#lead };
  }

  /** The plan is whole: a head lies before the body. */
  finish(headByteLength: number, bodyByteLength: number): void {
    const packed = this.packed as { -readonly [K in keyof PackedResponse]: PackedResponse[K] };
    packed.address = this.bodyAddress - headByteLength;
    packed.headByteLength = headByteLength;
    packed.byteLength = headByteLength + bodyByteLength;
    const lead = this.#lead;
    const end = HEAD_BYTES - headByteLength;
    if (lead.end !== end) {
      // What the last head left before it lies elsewhere, or under this head.
      lead.end = end;
      lead.written = undefined;
    }
  }

  /** The head. Valid until the release. */
  get headText(): string {
    return this.bytes.toString("latin1", HEAD_BYTES - this.packed.headByteLength, HEAD_BYTES);
  }

  /** @internal */
  take(): this {
    this.#isTaken = true;
    return this;
  }

  release(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    this.#slots.giveBack(this);
  }

  /** @internal Valid until the release. */
  get bodyBytes(): Uint8Array {
    const { byteLength, headByteLength } = this.packed;
    return this.bytes.subarray(HEAD_BYTES, HEAD_BYTES + byteLength - headByteLength);
  }
}

export class ColdSlots {
  readonly #free: ColdSlot[] = [];
  readonly #regions: Region[] = [];
  #isClosed = false;
  #count = 0;

  /** `undefined` when all are on their way to clients. */
  take(): ColdSlot | undefined {
    if (this.#free.length === 0) this.#grow();
    return this.#free.pop()?.take();
  }

  /** @internal */
  giveBack(slot: ColdSlot): void {
    this.#free.push(slot);
    if (this.#isClosed) this.#releaseAll();
  }

  /** The memory goes once the last answer is sent. */
  close(): void {
    this.#isClosed = true;
    this.#releaseAll();
  }

  #grow(): void {
    if (this.#isClosed || this.#count >= SLOTS_MAX) return;
    const region = Region.allocate(SLOTS_A_REGION * SLOT_BYTES);
    this.#regions.push(region);
    for (let i = SLOTS_A_REGION - 1; i >= 0; i--) this.#free.push(new ColdSlot(this, region, i * SLOT_BYTES));
    this.#count += SLOTS_A_REGION;
  }

  #releaseAll(): void {
    if (this.#free.length < this.#count) return;
    for (const region of this.#regions.splice(0)) region.release();
    this.#free.length = 0;
    this.#count = 0;
  }
}

/** `Name: value` lines back to a flat list. */
function fieldsOf(text: string): readonly string[] {
  const fields: string[] = [];
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields.push(line.slice(0, colon), line.slice(colon + 2));
  }
  return fields;
}
