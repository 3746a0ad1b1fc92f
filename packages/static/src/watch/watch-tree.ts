/**
 * Which entries depend on which names. A node for each name that an entry asked for and for each directory on
 * the way; every directory that exists is watched, so that a rename above a file is seen as well as a write to it.
 *
 * ```
 *   root ─watch─┬─ assets ─watch─┬─ app.js      ← /assets/app.js
 *               │                └─ app.js.br   ← /assets/app.js
 *               └─ index.html                   ← /
 * ```
 *
 * An event for a name drops the entries at its node and below, and the listings of the directory that it is in. Nodes without entries below them are pruned and
 * their watches end.
 */
import path from "node:path";
import type { Entry } from "../cache/entry.js";
import type { ChangeSource, DirectoryWatch } from "./change-source.js";

/** After the kernel had no watch to give, it is not asked again for so long. */
const EXHAUSTED_MS = 60_000;

interface Node {
  readonly name: string;
  readonly parent: Node | undefined;
  children: Map<string, Node> | undefined;
  entries: Entry[] | undefined;
  /** Those that tell every name in this directory. */
  listings: Entry[] | undefined;
  watch: DirectoryWatch | undefined;
}

function node(name: string, parent: Node | undefined): Node {
  return { name, parent, children: undefined, entries: undefined, listings: undefined, watch: undefined };
}

export interface WatchTreeOptions {
  readonly root: string;
  readonly source: ChangeSource;
  readonly now: () => number;
  /** The entry does not hold any more. It must come back through `remove`. */
  readonly onChanged: (entry: Entry) => void;
  /** The kernel has no more watches: entries are checked by time from here on. */
  readonly onExhausted: () => void;
  /** The root's own path leads elsewhere now: a release link was flipped. */
  readonly onRootMoved: () => void;
}

export class WatchTree {
  readonly #options: WatchTreeOptions;
  readonly #root = node("", undefined);
  #aboveRoot: DirectoryWatch | undefined;
  #exhaustedUntilMs = Number.NEGATIVE_INFINITY;
  #watches = 0;

  constructor(options: WatchTreeOptions) {
    this.#options = options;
  }

  /** How many directories are watched. */
  get watches(): number {
    return this.#watches;
  }

  /**
   * Watches everything that the entry was made from; `false` when not all of it can be. What happened since the
   * entry was made is in no event: it has to be looked for once.
   */
  add(entry: Entry): boolean {
    let isComplete = true;
    for (const probe of entry.probes) isComplete = this.#addPath(probe.path, entry) && isComplete;
    if (entry.listedPath !== undefined) isComplete = this.#addListing(entry.listedPath, entry) && isComplete;
    return isComplete;
  }

  remove(entry: Entry): void {
    for (const probe of entry.probes) {
      const found = this.#nodeOf(probe.path);
      if (found === undefined) continue;
      found.entries = without(found.entries, entry);
      this.#prune(found);
    }
    if (entry.listedPath === undefined) return;
    const listed = this.#nodeOf(entry.listedPath);
    if (listed === undefined) return;
    listed.listings = without(listed.listings, entry);
    this.#prune(listed);
  }

  close(): void {
    this.#lose(this.#root);
    this.#aboveRoot?.close();
    this.#aboveRoot = undefined;
  }

  #addPath(below: string, entry: Entry): boolean {
    const { at, isWatched } = this.#reach(below);
    at.entries ??= [];
    if (!at.entries.includes(entry)) at.entries.push(entry);
    return isWatched;
  }

  #addListing(below: string, entry: Entry): boolean {
    const { at, isWatched } = this.#reach(below);
    at.listings ??= [];
    if (!at.listings.includes(entry)) at.listings.push(entry);
    return isWatched && this.#watchNode(at, below) === "watched";
  }

  /** The node of a path, made where there is none; and whether what can be watched above it is. */
  #reach(below: string): { at: Node; isWatched: boolean } {
    let at = this.#root;
    let isWatched = this.#watchNode(at, "");
    const names = namesIn(below);
    names.forEach((name, depth) => {
      at.children ??= new Map();
      let child = at.children.get(name);
      if (child === undefined) at.children.set(name, (child = node(name, at)));
      at = child;
      const isDirectory = depth < names.length - 1;
      if (isDirectory && isWatched === "watched") {
        isWatched =
          at.watch === undefined ? this.#watchNode(at, names.slice(0, depth + 1).join("/")) : "watched";
      }
    });
    // Where a directory is missing, the one above it tells when it comes.
    return { at, isWatched: isWatched !== "exhausted" };
  }

  #watchNode(at: Node, below: string): "watched" | "unwatchable" | "exhausted" {
    if (at.watch !== undefined) return "watched";
    const { root, source, now } = this.#options;
    if (now() < this.#exhaustedUntilMs) return "exhausted";
    const watch = source.watch(below === "" ? root : `${root}/${below}`, {
      onName: (name) => this.#onName(at, name),
      onLost: () => this.#lose(at),
    });
    if (typeof watch === "string") {
      if (watch === "exhausted") {
        this.#exhaustedUntilMs = now() + EXHAUSTED_MS;
        this.#options.onExhausted();
      }
      return watch;
    }
    at.watch = watch;
    this.#watches++;
    if (at === this.#root) this.#watchAboveRoot();
    return "watched";
  }

  /** The root may be a link, or be renamed: its parent tells. Without that, the check by time does. */
  #watchAboveRoot(): void {
    const { root, source, onRootMoved } = this.#options;
    const name = path.basename(root);
    if (this.#aboveRoot !== undefined || name === "") return;
    const onMoved = (): void => {
      onRootMoved();
      this.#lose(this.#root);
    };
    const watch = source.watch(path.dirname(root), {
      onName: (changed) => changed === name && onMoved(),
      onLost: () => {
        this.#aboveRoot?.close();
        this.#aboveRoot = undefined;
        onMoved();
      },
      namesOnly: true,
    });
    if (typeof watch !== "string") this.#aboveRoot = watch;
  }

  #onName(at: Node, name: string): void {
    for (const entry of at.listings?.slice() ?? []) this.#options.onChanged(entry);
    const child = at.children?.get(name);
    if (child !== undefined) this.#lose(child);
  }

  /** Nothing known of this node or below it holds. */
  #lose(at: Node): void {
    this.#unwatch(at);
    for (const entry of at.entries?.slice() ?? []) this.#options.onChanged(entry);
    for (const entry of at.listings?.slice() ?? []) this.#options.onChanged(entry);
    for (const child of [...(at.children?.values() ?? [])]) this.#lose(child);
  }

  #nodeOf(below: string): Node | undefined {
    let at: Node | undefined = this.#root;
    for (const name of namesIn(below)) at = at?.children?.get(name);
    return at;
  }

  #prune(from: Node): void {
    for (let at = from; at.parent !== undefined; at = at.parent) {
      if (at.entries !== undefined || at.listings !== undefined || (at.children?.size ?? 0) > 0) return;
      this.#unwatch(at);
      at.parent.children?.delete(at.name);
    }
  }

  #unwatch(at: Node): void {
    if (at.watch === undefined) return;
    at.watch.close();
    at.watch = undefined;
    this.#watches--;
  }
}

function without(entries: Entry[] | undefined, entry: Entry): Entry[] | undefined {
  const left = entries?.filter((each) => each !== entry);
  return left?.length === 0 ? undefined : left;
}

function namesIn(below: string): string[] {
  return below === "" ? [] : below.split("/");
}
