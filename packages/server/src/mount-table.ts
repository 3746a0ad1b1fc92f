import type { PlanMount, RequestHead } from "@tz/http1";

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;

interface Entry {
  readonly mount: PlanMount;
  readonly prefix: Uint8Array;
}

/**
 * Mounts by prefix; the longest one that ends at a `/` boundary wins. Compared as bytes: no string is made.
 */
export class MountTable {
  /** Longest first. */
  #entries: Entry[] = [];
  /** The only mount, when it takes everything. */
  #all: PlanMount | undefined;

  get all(): readonly PlanMount[] {
    return this.#entries.map(({ mount }) => mount);
  }

  add(mount: PlanMount): void {
    const prefix = mount.prefix === "/" ? "" : mount.prefix.replace(/\/$/, "");
    this.#entries.push({ mount, prefix: Buffer.from(prefix, "latin1") });
    this.#entries.sort((a, b) => b.prefix.byteLength - a.prefix.byteLength);
    this.#all = this.#entries.length === 1 && prefix === "" ? mount : undefined;
  }

  find(head: RequestHead): PlanMount | undefined {
    if (this.#all !== undefined) return this.#all;
    const { bytes, targetStart, targetEnd } = head;
    next: for (const { mount, prefix } of this.#entries) {
      const end = targetStart + prefix.byteLength;
      if (end > targetEnd) continue;
      for (let i = 0; i < prefix.byteLength; i++) if (bytes[targetStart + i] !== prefix[i]) continue next;
      if (end === targetEnd || prefix.byteLength === 0) return mount;
      const next = bytes[end];
      if (next === SLASH || next === QUESTION_MARK) return mount;
    }
    return undefined;
  }
}
