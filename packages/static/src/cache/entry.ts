/**
 * What is known about one path, with a ready answer where one exists. Held by the table and by those who wait
 * for it; answers that are on their way hold the form that they send instead.
 */
import type { PlanRequest, ResponsePlan } from "@tz/http1";
import type { FileStatus, Refusal } from "../resolve/file-system.js";
import type { FormPlan } from "../respond/form.js";
import type { MaybePromise } from "../steps.js";
import { TableEntry } from "./entry-table.js";

/** A path that was asked for on the way to this entry, and what was there. The entry holds while all still hold. */
export interface Probe {
  readonly path: string;
  readonly found: FileStatus | Refusal;
}

/** What an entry takes on the JS heap beside its bytes, measured with 3,000 files of 20 bytes: small files count too. */
export const ENTRY_OVERHEAD_BYTES = 3072;

export abstract class Entry extends TableEntry {
  /** The canonical target. */
  readonly target: string;
  readonly probes: readonly Probe[];
  /** Bits of `fieldMask`: a request with none of these fields gets the plain answer. */
  variesOn = 0;
  /** The same object for every plain GET, which retains it. */
  plainGet: FormPlan | undefined = undefined;
  plainHead: FormPlan | undefined = undefined;
  /** On the cache's clock: when the probes must be looked at again. */
  checkAtMs = Number.NEGATIVE_INFINITY;
  /** On the cache's clock: when it goes, whatever the probes say. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  /** `"live"`: every change of the probes reaches us as an event; `"new"`: from the next successful look on. */
  watchState: "none" | "new" | "live" = "none";
  /** The probes' own paths are all that a change can come through: no links, symbolic or hard. */
  isWatchable = true;
  /** The directory whose names it tells: a change of any of them changes it. */
  readonly listedPath: string | undefined = undefined;
  /** Read so soon after its last change that another change could carry the same time. */
  isRacy = false;
  /** May it answer the next request too? */
  isCacheable = true;
  /** A look at the probes that is under way. */
  checking: Promise<boolean> | undefined = undefined;
  /** What it takes from the byte budget. */
  costBytes = ENTRY_OVERHEAD_BYTES;
  /** Descriptors that it holds open. */
  openFiles = 0;
  #references = 1;

  constructor(target: string, probes: readonly Probe[]) {
    super();
    this.target = target;
    this.probes = probes;
  }

  /**
   * The answer to this request. Reads the request before it waits for anything.
   * @param own fields for this request alone
   * @returns `undefined` when the file changed while it waited: the entry does not hold any more
   */
  abstract answer(request: PlanRequest, own?: readonly string[]): MaybePromise<ResponsePlan | undefined>;

  /** Kept apart from the files, so that probing for names evicts none of them. */
  get isRefusal(): boolean {
    return false;
  }

  /** Does what it holds open still match what its heads promise? */
  isIntact(): boolean {
    return true;
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references === 0) this.dispose();
  }

  /** Nobody has it any more: nothing may be added to it. */
  get isGone(): boolean {
    return this.#references === 0;
  }

  protected dispose(): void {}
}
