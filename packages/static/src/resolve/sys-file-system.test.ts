import { hasOpenat2, isSupported } from "@tz/sys";
import { describe } from "vitest";
import { describeFileSystem } from "./file-system.conformance.js";
import { SysFileSystem } from "./sys-file-system.js";

describe.skipIf(!isSupported().supported || !hasOpenat2())("system calls", () => {
  describeFileSystem(
    (root, policy) => new SysFileSystem(root, policy, { now: () => performance.now(), rootCheckMs: 1000 }),
  );
});
