/** What two heap snapshots of a process differ by, by kind of object. */
import { readFileSync } from "node:fs";

export interface Growth {
  /** `object Connection`, `closure`, `native Timeout`. */
  readonly kind: string;
  readonly count: number;
  readonly bytes: number;
}

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: string[]; readonly node_types: [string[]] } };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Kinds of node whose name says what they are; the names of others are their content. */
const NAMED = new Set(["object", "native", "closure"]);

function census(path: string): Map<string, { count: number; bytes: number }> {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(path, "utf8")) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ["type", "name", "self_size"].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ];
  const kinds = new Map<string, { count: number; bytes: number }>();
  for (let i = 0; i < nodes.length; i += fields.length) {
    const kind = types[0][nodes[i + type]!]!;
    const key = NAMED.has(kind) ? `${kind} ${strings[nodes[i + name]!]}` : kind;
    let sum = kinds.get(key);
    if (sum === undefined) kinds.set(key, (sum = { count: 0, bytes: 0 }));
    sum.count++;
    sum.bytes += nodes[i + size]!;
  }
  return kinds;
}

/** Kinds that take more room in the later one, the most first. */
export function heapGrowth(earlier: string, later: string): Growth[] {
  const before = census(earlier);
  return [...census(later)]
    .map(([kind, now]) => ({
      kind,
      count: now.count - (before.get(kind)?.count ?? 0),
      bytes: now.bytes - (before.get(kind)?.bytes ?? 0),
    }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
}
