import { describe } from "vitest";
import { describeFileSystem } from "./file-system.conformance.js";
import { NodeFileSystem } from "./node-file-system.js";

describe("node:fs", () => {
  describeFileSystem((root, policy) => new NodeFileSystem(root, policy));
});
