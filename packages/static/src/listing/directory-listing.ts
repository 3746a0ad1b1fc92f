/** What is in a directory and may be shown, and the order to show it in. */
import { setImmediate } from "node:timers/promises";
import type { ResolvedListing, ResolvedOptions } from "../options.js";
import { type FileStatus, type FileSystem, isOpened, type Refusal } from "../resolve/file-system.js";
import { isServed, judgePath } from "../resolve/path-policy.js";
import { isAddressable } from "../resolve/target.js";
import { sortCooperatively } from "./cooperative-sort.js";
import { naturalKey } from "./natural-order.js";

export interface ListedEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  /** `undefined` until somebody needs it. */
  readonly status: FileStatus | undefined;
}

export type SortField = ResolvedListing["sort"];

/** A directory with more is shown in part: about 30 MB of names. */
export const LISTED_MAX = 200_000;
/** Looks at files between turns of the loop: about 1 ms. */
const LOOKS_PER_TURN = 512;

export class DirectoryListing {
  /** In no order. */
  readonly entries: readonly ListedEntry[];
  /** There is more in the directory. */
  readonly isPartial: boolean;
  readonly #files: FileSystem;
  readonly #path: string;
  #withStatus: Promise<readonly ListedEntry[]> | undefined;
  #byName: Promise<readonly ListedEntry[]> | undefined;

  private constructor(files: FileSystem, path: string, entries: readonly ListedEntry[], isPartial: boolean) {
    this.#files = files;
    this.#path = path;
    this.entries = entries;
    this.isPartial = isPartial;
  }

  static async read(
    files: FileSystem,
    path: string,
    options: ResolvedOptions,
  ): Promise<DirectoryListing | Refusal> {
    const names = await files.names(path, LISTED_MAX);
    if (typeof names === "string") return names;
    const hide = options.listing === false ? undefined : options.listing.hide;
    const entries: ListedEntry[] = [];
    let looks = 0;
    for (const { name, kind } of names) {
      const below = path === "" ? name : `${path}/${name}`;
      if (judgePath(below.split("/"), options) !== "open" || hide?.(below) === true) continue;
      if (kind === "other" || !isAddressable(name)) continue;
      // What is not UTF-8 reads as this character, but has no address.
      if (name.includes("\ufffd")) {
        if ((await files.look(below)) === "missing") continue;
        if (++looks % LOOKS_PER_TURN === 0) await setImmediate();
      }
      let found: ListedEntry | undefined = { name, isDirectory: kind === "directory", status: undefined };
      if (kind === "link" || kind === "unknown") {
        found = await contained(files, below, name);
        if (++looks % LOOKS_PER_TURN === 0) await setImmediate();
      }
      if (found !== undefined && (found.isDirectory || isServed(below, options))) entries.push(found);
    }
    return new DirectoryListing(files, path, entries, names.length >= LISTED_MAX);
  }

  /** Directories first; then by the field, and by name where that is the same. */
  async sorted(field: SortField, isDescending: boolean): Promise<readonly ListedEntry[]> {
    const byName = await (this.#byName ??= this.#sortByName());
    const sorted = field === "name" ? [...byName] : await this.#sortBy(field, byName);
    if (!isDescending) return sorted;
    const files = sorted.filter(({ isDirectory }) => !isDirectory).reverse();
    return [...sorted.filter(({ isDirectory }) => isDirectory).reverse(), ...files];
  }

  /** With what is to be shown of each. */
  async described(entries: readonly ListedEntry[]): Promise<ListedEntry[]> {
    const described: ListedEntry[] = [];
    for (const entry of entries) {
      described.push(await this.#described(entry));
      if (described.length % LOOKS_PER_TURN === 0) await setImmediate();
    }
    return described;
  }

  async #described(entry: ListedEntry): Promise<ListedEntry> {
    if (entry.status !== undefined) return entry;
    const status = await this.#files.look(this.#path === "" ? entry.name : `${this.#path}/${entry.name}`);
    return typeof status === "string" ? entry : { ...entry, status };
  }

  async #sortByName(): Promise<readonly ListedEntry[]> {
    const keyed = this.entries.map((entry) => ({
      entry,
      key: `${entry.isDirectory ? 0 : 1}${naturalKey(entry.name)}`,
    }));
    const sorted = await sortCooperatively(keyed, (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return sorted.map(({ entry }) => entry);
  }

  async #sortBy(field: "size" | "time", byName: readonly ListedEntry[]): Promise<readonly ListedEntry[]> {
    const entries = await (this.#withStatus ??= this.described(byName));
    const keyed = entries.map((entry, order) => ({
      entry,
      order,
      // Directories have no size to speak of.
      value:
        field === "time"
          ? (entry.status?.mtimeSeconds ?? 0)
          : entry.isDirectory
            ? 0
            : (entry.status?.byteLength ?? 0),
    }));
    const sorted = await sortCooperatively(
      keyed,
      (a, b) =>
        Number(b.entry.isDirectory) - Number(a.entry.isDirectory) || a.value - b.value || a.order - b.order,
    );
    return sorted.map(({ entry }) => entry);
  }
}

/** A link is shown when it may be followed, as what it leads to. */
async function contained(files: FileSystem, path: string, name: string): Promise<ListedEntry | undefined> {
  const found = await files.open(path);
  if (typeof found === "string") return undefined;
  if (isOpened(found)) {
    files.closeFile(found.fd);
    return { name, isDirectory: false, status: found.status };
  }
  return found.kind === "directory" ? { name, isDirectory: true, status: found } : undefined;
}
