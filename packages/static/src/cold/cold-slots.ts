/**
 * Memory for answers that nobody keeps, used again and again.
 *
 * ```
 *   region   [ slot 0 | slot 1 | … ]                          made when the first is asked for
 *   slot     [      …… head | body ……        ]
 *                   └ ends where the body begins, so that the file can be read before the head is known
 * ```
 *
 * A slot is its own plan: an answer makes no object. It is free again with `release()`.
 */
import { type PackedResponse, type PlanBody, ResponseHead, type ResponsePlan } from "@tz/http1";
import { Region } from "@tz/sys";

const SLOT_BYTES = 16 * 1024;
const HEAD_BYTES = 1024;
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
    return this.#slot.headText.length;
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

export class ColdSlot implements ResponsePlan {
  readonly head: ResponseHead = new SlotHead(this);
  readonly body: PlanBody = new SlotBody(this);
  readonly packed: PackedResponse = { address: 0, byteLength: 0, headByteLength: 0 };
  /** Where the body goes, up to {@link BODY_BYTES}. */
  readonly bodyAddress: number;
  /** @internal */
  headText = "";
  readonly #slots: ColdSlots;
  readonly #buffer: Buffer;
  #isTaken = false;

  /** @internal */
  constructor(slots: ColdSlots, region: Region, offset: number) {
    this.#slots = slots;
    this.#buffer = Buffer.from(region.bytes.buffer, region.bytes.byteOffset + offset, SLOT_BYTES);
    this.bodyAddress = region.addressOf(offset + HEAD_BYTES, BODY_BYTES);
  }

  /** Puts the head before the body; `false` when it is too long. */
  finish(headText: string, bodyByteLength: number): boolean {
    const { length } = headText;
    if (length > HEAD_BYTES) return false;
    this.#buffer.write(headText, HEAD_BYTES - length, length, "latin1");
    this.headText = headText;
    const packed = this.packed as { -readonly [K in keyof PackedResponse]: PackedResponse[K] };
    packed.address = this.bodyAddress - length;
    packed.headByteLength = length;
    packed.byteLength = length + bodyByteLength;
    return true;
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
    return this.#buffer.subarray(HEAD_BYTES, HEAD_BYTES + byteLength - headByteLength);
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
