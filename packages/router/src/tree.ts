import type { Constraint } from "./constraint.js";
import { RouterError } from "./errors.js";
import { MixedSegment } from "./mixed-segment.js";
import { lowerCase, SLASH } from "./path-alphabet.js";
import { isParam, type Param, type Piece, type Step, type Variant } from "./pattern.js";
import type { Route } from "./route.js";

/**
 * The routes as a radix tree over the decoded bytes of a path.
 *
 * ```
 *   ""─"/users"─┬─◆                        ◆ leaf: the methods of this place
 *               └─"/"─┬─"me"─◆
 *                     ├─(int)─┬─◆          edge: takes what is left of the segment
 *                     │       └─"/files/"──*  wildcard: takes what is left of the path
 *                     └─:any──◆
 * ```
 *
 * At a node a match tries, in this order: the leaf if the path ends here; the one static child that begins with
 * the next byte; the edges, most specific first; the wildcard. How far each of them reads follows from the path
 * alone, so a node is entered at one position only, at most once in a match. {@link TreeNode.visitsMax} counts
 * how many nodes that can be at most: **one** static child at a time, but **every** edge.
 */
export class TreeNode {
  /** Static bytes between the parent and this node; empty behind an edge. */
  label: Uint8Array;
  /** By the first byte of their label. */
  readonly children = new Map<number, TreeNode>();
  readonly edges: Edge[] = [];
  wildcard: Wildcard | undefined;
  leaf: Leaf | undefined;
  /** Upper bound for the nodes that one match enters from here on, this one included. */
  visitsMax = 1;

  constructor(label: Uint8Array) {
    this.label = label;
  }

  measure(): void {
    let visits = 0;
    for (const child of this.children.values()) visits = Math.max(visits, child.visitsMax);
    for (const edge of this.edges) visits += edge.target.visitsMax;
    this.visitsMax = 1 + visits + (this.wildcard === undefined ? 0 : 1);
  }
}

/** A step that takes what is left of a segment. */
export interface Edge {
  /** Equal keys take the same values: such routes share the edge. */
  readonly key: string;
  /** Set when one parameter takes all of it and its value is constrained. */
  readonly constraint: Constraint | undefined;
  /** Set when text and parameters share it. */
  readonly mixed: MixedSegment | undefined;
  readonly captureCount: number;
  readonly target: TreeNode;
  /** Larger is tried first; equal ones in the order in which they came. */
  readonly specificity: number;
  readonly names: readonly string[];
  /** The route that named the parameters. */
  readonly owner: Route;
}

export interface Wildcard {
  readonly leaf: Leaf;
  readonly name: string;
  readonly owner: Route;
}

/** What a match of one place and method leads to. */
export interface Binding {
  readonly route: Route;
  /** The parameters on the way here, in order. */
  readonly params: readonly Param[];
}

/** The routes that end at one place. */
export class Leaf {
  readonly id: number;
  /** Methods that are answered here, with the automatic ones. */
  mask = 0;
  /** By the bit of the method; that of `*` under its own bit. */
  readonly bindings = new Map<number, Binding>();

  constructor(id: number) {
    this.id = id;
  }
}

export interface TreeSettings {
  readonly caseSensitive: boolean;
  readonly ignoreTrailingSlash: boolean;
  readonly visitsMax: number;
  /** The methods that a place answers when routes exist for those in `mask`. */
  readonly answered: (mask: number) => number;
}

export class Tree {
  readonly root = new TreeNode(new Uint8Array(0));
  readonly leaves: Leaf[] = [];
  /** The most parameters that one match can capture. */
  captureCountMax = 0;
  readonly #settings: TreeSettings;
  #undo: (() => void)[] = [];

  constructor(settings: TreeSettings) {
    this.#settings = settings;
  }

  /**
   * Adds all variants of a route, or nothing.
   *
   * @returns takes it out again; to be called before anything else is inserted
   * @throws RouterError `TZ_ROUTER_DUPLICATE`, `TZ_ROUTER_PARAM_NAME` or `TZ_ROUTER_AMBIGUOUS`.
   */
  insert(route: Route, variants: readonly Variant[], methodBits: readonly number[]): () => void {
    this.#undo = [];
    const undo = () => {
      for (const step of undoSteps.reverse()) step();
    };
    const undoSteps = this.#undo;
    try {
      for (const variant of variants) {
        for (const steps of this.#spellings(variant.steps)) {
          this.#insertPath(steps, { route, params: variant.params }, methodBits);
        }
      }
      this.#checkVisits(route);
    } catch (error) {
      undo();
      throw error;
    }
    return undo;
  }

  /** The methods that some place answers. */
  answeredMethods(): number {
    return this.leaves.reduce((mask, leaf) => mask | leaf.mask, 0);
  }

  /** The ways in which a path may be spelled that lead to the same route. */
  #spellings(steps: readonly Step[]): Step[][] {
    const folded = steps.map((step): Step => {
      return step.kind === "static" && !this.#settings.caseSensitive
        ? { kind: "static", bytes: step.bytes.map(lowerCase) }
        : step;
    });
    const last = folded.at(-1)!;
    if (!this.#settings.ignoreTrailingSlash || last.kind === "wildcard") return [folded];
    const isRoot = folded.length === 1 && last.kind === "static" && last.bytes.length === 1;
    if (isRoot) return [folded];
    const endsInSlash = last.kind === "static" && last.bytes.at(-1) === SLASH;
    if (!endsInSlash) return [folded, [...folded, { kind: "static", bytes: Uint8Array.of(SLASH) }]];
    const without = last.bytes.subarray(0, -1);
    const shorter = folded.slice(0, -1);
    return [without.length > 0 ? [...shorter, { kind: "static", bytes: without }] : shorter, folded];
  }

  #insertPath(steps: readonly Step[], binding: Binding, methodBits: readonly number[]): void {
    const path = [this.root];
    for (const step of steps) {
      const node = path.at(-1)!;
      if (step.kind === "static") this.#descend(path, step.bytes);
      else if (step.kind === "wildcard")
        this.#bind(this.#wildcard(node, step.name, binding.route), binding, methodBits);
      else path.push(this.#edge(node, step, binding.route).target);
    }
    if (steps.at(-1)!.kind !== "wildcard") this.#bind(this.#leaf(path.at(-1)!), binding, methodBits);
    this.captureCountMax = Math.max(this.captureCountMax, binding.params.length);
    for (const node of path.reverse()) node.measure();
    this.#undo.unshift(() => {
      for (const node of path) node.measure();
    });
  }

  /** Follows static bytes, splitting labels and making nodes as needed; the nodes are pushed onto `path`. */
  #descend(path: TreeNode[], bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const node = path.at(-1)!;
      const child = node.children.get(rest[0]!);
      if (child === undefined) {
        const made = new TreeNode(rest);
        node.children.set(rest[0]!, made);
        this.#undo.push(() => node.children.delete(made.label[0]!));
        path.push(made);
        return;
      }
      const shared = sharedLength(child.label, rest);
      path.push(shared === child.label.length ? child : this.#split(node, child, shared));
      rest = rest.subarray(shared);
    }
  }

  #split(parent: TreeNode, child: TreeNode, length: number): TreeNode {
    const label = child.label;
    const upper = new TreeNode(label.subarray(0, length));
    child.label = label.subarray(length);
    upper.children.set(child.label[0]!, child);
    parent.children.set(label[0]!, upper);
    this.#undo.push(() => {
      child.label = label;
      parent.children.set(label[0]!, child);
    });
    return upper;
  }

  #edge(node: TreeNode, step: Step & { kind: "param" | "mixed" }, owner: Route): Edge {
    const pieces = step.kind === "param" ? [step.param] : step.pieces;
    const params = pieces.filter(isParam);
    const names = params.map((param) => param.name);
    const key = this.#edgeKey(pieces);
    const shared = node.edges.find((edge) => edge.key === key);
    if (shared !== undefined) {
      checkNames(shared, names, owner);
      return shared;
    }
    const made: Edge = {
      key,
      constraint: step.kind === "param" ? step.param.constraint : undefined,
      mixed: step.kind === "mixed" ? new MixedSegment(pieces, this.#settings.caseSensitive) : undefined,
      captureCount: params.length,
      target: new TreeNode(new Uint8Array(0)),
      specificity: specificityOf(pieces),
      names,
      owner,
    };
    const less = node.edges.findIndex((edge) => edge.specificity < made.specificity);
    node.edges.splice(less === -1 ? node.edges.length : less, 0, made);
    this.#undo.push(() => node.edges.splice(node.edges.indexOf(made), 1));
    return made;
  }

  #edgeKey(pieces: readonly Piece[]): string {
    const keys = pieces.map((piece) => {
      if (!(piece instanceof Uint8Array)) return `:${piece.constraint?.text ?? ""}`;
      return `"${(this.#settings.caseSensitive ? piece : piece.map(lowerCase)).join()}"`;
    });
    return keys.join("");
  }

  #wildcard(node: TreeNode, name: string, owner: Route): Leaf {
    const shared = node.wildcard;
    if (shared !== undefined) {
      checkNames({ names: [shared.name], owner: shared.owner }, [name], owner);
      return shared.leaf;
    }
    const leaf = this.#newLeaf();
    node.wildcard = { leaf, name, owner };
    this.#undo.push(() => {
      node.wildcard = undefined;
    });
    return leaf;
  }

  #leaf(node: TreeNode): Leaf {
    if (node.leaf === undefined) {
      node.leaf = this.#newLeaf();
      this.#undo.push(() => {
        node.leaf = undefined;
      });
    }
    return node.leaf;
  }

  #newLeaf(): Leaf {
    const leaf = new Leaf(this.leaves.length);
    this.leaves.push(leaf);
    this.#undo.push(() => this.leaves.pop());
    return leaf;
  }

  #bind(leaf: Leaf, binding: Binding, methodBits: readonly number[]): void {
    for (const bit of methodBits) {
      const bound = leaf.bindings.get(bit);
      // Variants of one route may meet, e.g. those of `/:a?/:b?` with one segment: the fuller one came first.
      if (bound?.route === binding.route) continue;
      if (bound !== undefined) throw duplicate(bound.route, binding.route);
      leaf.bindings.set(bit, binding);
      leaf.mask = this.#maskOf(leaf);
      this.#undo.push(() => {
        leaf.bindings.delete(bit);
        leaf.mask = this.#maskOf(leaf);
      });
    }
  }

  #maskOf(leaf: Leaf): number {
    let mask = 0;
    for (const bit of leaf.bindings.keys()) mask |= bit;
    return this.#settings.answered(mask);
  }

  #checkVisits(route: Route): void {
    const limit = this.#settings.visitsMax;
    if (this.root.visitsMax <= limit) return;
    throw new RouterError(
      "TZ_ROUTER_AMBIGUOUS",
      `With "${route.pattern}" a match could visit ${this.root.visitsMax} nodes, more than maxVisits = ${limit}: ` +
        "too many routes differ only in which of their segments are parameters",
    );
  }
}

/** Text weighs most, then constraints: `/:name.json` before `/:id(int)` before `/:name`. */
function specificityOf(pieces: readonly Piece[]): number {
  let specificity = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) specificity += piece.length * 100;
    else if (piece.constraint !== undefined) specificity += 1;
  }
  return specificity;
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a[length] === b[length]) length++;
  return length;
}

function checkNames(edge: Pick<Edge, "names" | "owner">, names: readonly string[], route: Route): void {
  const at = names.findIndex((name, index) => name !== edge.names[index]);
  if (at === -1 || edge.owner === route) return;
  throw new RouterError(
    "TZ_ROUTER_PARAM_NAME",
    `"${edge.owner.pattern}" and "${route.pattern}" name the parameter at one place differently: ` +
      `"${edge.names[at]}" and "${names[at]}"`,
  );
}

function duplicate(existing: Route, added: Route): RouterError {
  return new RouterError(
    "TZ_ROUTER_DUPLICATE",
    `"${describe(added)}" cannot be added: "${describe(existing)}" matches the same method at the same place`,
  );
}

function describe(route: Route): string {
  return `${route.methods.join(",")} ${route.pattern}`;
}
