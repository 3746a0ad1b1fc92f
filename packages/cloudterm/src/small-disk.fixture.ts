import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly canMount: boolean;
  /** Why not, for the test's name; empty when it can. */
  readonly reason: string;
  /** A file system in memory of so many bytes. */
  mount(bytes: number): { readonly path: string; unmount(): void };
}

/** Disks that get full soon, where this process may mount. */
export function smallDisk(): SmallDisk {
  const mount = (bytes: number): { path: string; unmount(): void } | undefined => {
    const path = mkdtempSync(join(tmpdir(), "tz-disk-"));
    const made = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path]);
    const remove = (): void => rmSync(path, { recursive: true, force: true });
    if (made.status !== 0) {
      remove();
      return undefined;
    }
    return {
      path,
      unmount() {
        spawnSync("umount", ["-l", path]);
        remove();
      },
    };
  };
  const probe = process.platform === "linux" ? mount(4096) : undefined;
  probe?.unmount();
  return {
    canMount: probe !== undefined,
    reason: probe === undefined ? " (skipped: this process may not mount)" : "",
    mount(bytes) {
      const made = mount(bytes);
      if (made === undefined) throw new Error("this process may not mount");
      return made;
    },
  };
}
