import type { TreeNode } from "../tree.js";

/**
 * V8 optimizes a function of up to 60 KB of bytecode and leaves a larger one interpreted for ever. A line of a
 * matcher takes 20 to 60 bytes, so this stays well below and is still large enough that calls are rare.
 */
const FUNCTION_LINES_MAX = 300;
/** A call costs two lines and some nanoseconds: smaller subtrees are never worth one. */
const CALL_LINES_MIN = 8;

/**
 * Generated code is faster than the walk as long as V8 keeps all of it optimized. Requests spread over many
 * routes keep deoptimizing it, so larger tables are walked (measured in docs/decisions).
 */
const TABLE_LINES_MAX = 2_500;

/** True when code for this tree is worth generating. */
export function isSmallEnough(root: TreeNode): boolean {
  const count = (node: TreeNode): number => {
    const parts = [...node.children.values(), ...node.edges.map((edge) => edge.target)];
    return parts.reduce((lines, part) => lines + count(part), ownLines(node, parts.length));
  };
  return count(root) <= TABLE_LINES_MAX;
}

/** The nodes whose code goes into a function of its own, so that no function becomes too large. */
export function planFunctions(root: TreeNode): ReadonlySet<TreeNode> {
  const outlined = new Set<TreeNode>();
  measure(root, outlined);
  return outlined;
}

/** Lines of the node's code with what stays inside of it. */
function measure(node: TreeNode, outlined: Set<TreeNode>): number {
  const parts = [...node.children.values(), ...node.edges.map((edge) => edge.target)];
  const lines = new Map(parts.map((part) => [part, measure(part, outlined)]));
  const own =
    4 + 3 * parts.length + (node.leaf === undefined ? 0 : 4) + (node.wildcard === undefined ? 0 : 6);
  const total = own + [...lines.values()].reduce((sum, each) => sum + each, 0);
  if (total <= FUNCTION_LINES_MAX) return total;
  const share = Math.max(CALL_LINES_MIN, FUNCTION_LINES_MAX / parts.length);
  let kept = own;
  for (const [part, each] of lines) {
    if (each > share) outlined.add(part);
    kept += each > share ? 2 : each;
  }
  return kept;
}

function ownLines(node: TreeNode, partCount: number): number {
  return 4 + 3 * partCount + (node.leaf === undefined ? 0 : 4) + (node.wildcard === undefined ? 0 : 6);
}
