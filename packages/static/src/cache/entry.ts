/**
 * What is known about one path, with a ready answer where one exists. Shared by the table and by every answer
 * that is on its way: memory and descriptors go when the last of them lets go.
 */
import type { PlanRequest, ResponsePlan } from "@tz/http1";
import type { FileStatus, Refusal } from "../resolve/file-system.js";
import type { MaybePromise } from "../steps.js";
import { TableEntry } from "./entry-table.js";

/** A path that was asked for on the way to this entry, and what was there. The entry holds while all still hold. */
export interface Probe {
  readonly path: string;
  readonly found: FileStatus | Refusal;
}

/** Rough cost of an entry's own objects, heads and plans on the JS heap, so that small files count too. */
export const ENTRY_OVERHEAD_BYTES = 1536;

export abstract class Entry extends TableEntry {
  /** The canonical target. */
  readonly target: string;
  readonly probes: readonly Probe[];
  /** Bits of `fieldMask`: a request with none of these fields gets the plain answer. */
  variesOn = 0;
  /** The same object for every plain GET; its `release()` gives one reference back. */
  plainGet: ResponsePlan | undefined = undefined;
  plainHead: ResponsePlan | undefined = undefined;
  /** On the cache's clock: when the probes must be looked at again. */
  checkAtMs = Number.NEGATIVE_INFINITY;
  /** On the cache's clock: when it goes, whatever the probes say. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  /** `"live"`: every change of the probes reaches us as an event; `"new"`: from the next successful look on. */
  watchState: "none" | "new" | "live" = "none";
  /** The probes' own paths are all that a change can come through: no links, symbolic or hard. */
  isWatchable = true;
  /** Read so soon after its last change that another change could carry the same time. */
  isRacy = false;
  /** May it answer the next request too? */
  isCacheable = true;
  /** A look at the probes that is under way. */
  checking: Promise<boolean> | undefined = undefined;
  /** What it takes from the byte budget. */
  costBytes = ENTRY_OVERHEAD_BYTES;
  #references = 1;

  constructor(target: string, probes: readonly Probe[]) {
    super();
    this.target = target;
    this.probes = probes;
  }

  /** The answer to this request. Hands over one reference with it. Reads the request before it waits. */
  abstract answer(request: PlanRequest): MaybePromise<ResponsePlan>;

  /** Kept apart from the files, so that probing for names evicts none of them. */
  get isRefusal(): boolean {
    return false;
  }

  /** The descriptor it holds open, or -1. */
  get fd(): number {
    return -1;
  }

  /** Does what it holds still match what its heads promise? */
  isIntact(): boolean {
    return true;
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references === 0) this.dispose();
  }

  protected dispose(): void {}
}

/** A plan that keeps its entry alive. Made once and handed out often, or made for one request. */
export class EntryPlan implements ResponsePlan {
  readonly head: ResponsePlan["head"];
  readonly body: ResponsePlan["body"];
  readonly packed: ResponsePlan["packed"];
  readonly #entry: Entry;

  constructor(
    entry: Entry,
    head: ResponsePlan["head"],
    body: ResponsePlan["body"],
    packed?: ResponsePlan["packed"],
  ) {
    this.#entry = entry;
    this.head = head;
    this.body = body;
    this.packed = packed;
  }

  release(): void {
    this.#entry.release();
  }
}
