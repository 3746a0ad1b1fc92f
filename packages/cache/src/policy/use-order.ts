import type { Sized } from "./policy.js";

/** A node that stands in one {@link UseOrder} at a time. */
export interface Ordered<Node> {
  readonly entry: Sized;
  newer: Node | undefined;
  older: Node | undefined;
}

/** A doubly linked list in order of use that knows its bytes. */
export class UseOrder<Node extends Ordered<Node>> {
  newest: Node | undefined = undefined;
  oldest: Node | undefined = undefined;
  count = 0;
  bytes = 0;

  pushNewest(node: Node): void {
    node.newer = undefined;
    node.older = this.newest;
    if (this.newest === undefined) this.oldest = node;
    else this.newest.newer = node;
    this.newest = node;
    this.count++;
    this.bytes += node.entry.bytes;
  }

  remove(node: Node): void {
    if (node.newer === undefined) this.newest = node.older;
    else node.newer.older = node.older;
    if (node.older === undefined) this.oldest = node.newer;
    else node.older.newer = node.newer;
    node.newer = node.older = undefined;
    this.count--;
    this.bytes -= node.entry.bytes;
  }

  clear(): void {
    this.newest = this.oldest = undefined;
    this.count = this.bytes = 0;
  }
}
