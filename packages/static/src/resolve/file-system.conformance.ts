/** What every file system has to do. Run by one test file per implementation. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSite, MTIME_SECONDS, type Site } from "../site.fixture.js";
import { type FileSystem, isOpened, isSame, type SymlinkPolicy } from "./file-system.js";

export function describeFileSystem(create: (root: string, policy: SymlinkPolicy) => FileSystem): void {
  let site: Site;
  beforeAll(() => {
    site = createSite();
    fs.writeFileSync(path.join(site.root, "private.txt"), "no");
  });
  afterAll(() => site.remove());

  /** What an open gives, in one word or the file's text. */
  async function opened(files: FileSystem, name: string): Promise<string> {
    const found = await files.open(name);
    if (typeof found === "string") return found;
    if (!isOpened(found)) return found.kind;
    const text = new Uint8Array(found.status.byteLength);
    expect(await files.read(found.fd, text, 0)).toBe(text.byteLength);
    files.closeFile(found.fd);
    return Buffer.from(text).toString();
  }

  function using(policy: SymlinkPolicy, use: (files: FileSystem) => Promise<void>): () => Promise<void> {
    return async () => {
      const files = create(site.root, policy);
      try {
        await use(files);
      } finally {
        files.close();
      }
    };
  }

  test(
    "opens files, and says what is none",
    using("within-root", async (files) => {
      expect(await opened(files, "hello.txt")).toBe("hello world\n");
      expect(await opened(files, "dir/page.html")).toContain("PAGE");
      expect(await opened(files, "ünï.txt")).toBe("unicode\n");
      expect(await opened(files, "dir")).toBe("directory");
      expect(await opened(files, "")).toBe("directory");
      expect(await opened(files, "missing")).toBe("missing");
      expect(await opened(files, "hello.txt/below")).toBe("missing");
      expect(await opened(files, "x".repeat(300))).toBe("missing");
      expect(await opened(files, `${"d/".repeat(3000)}x`)).toBe("missing");
    }),
  );

  test(
    "a pipe is neither opened for its content nor waited for",
    using("within-root", async (files) => {
      expect(await opened(files, "fifo")).toBe("other");
    }),
  );

  describe.each([
    ["link-in.txt", { deny: "outside", "within-root": "hello world\n", follow: "hello world\n" }],
    ["link-abs-in.txt", { deny: "outside", "within-root": "hello world\n", follow: "hello world\n" }],
    ["dirlink-in/page.html", { deny: "outside", "within-root": "PAGE", follow: "PAGE" }],
    ["link-out.txt", { deny: "outside", "within-root": "outside", follow: "SECRET-OUTSIDE\n" }],
    ["link-abs.txt", { deny: "outside", "within-root": "outside", follow: "SECRET-OUTSIDE\n" }],
    ["dirlink-out/secret.txt", { deny: "outside", "within-root": "outside", follow: "SECRET-OUTSIDE\n" }],
    ["indexlink/index.html", { deny: "outside", "within-root": "outside", follow: "SECRET-OUTSIDE-INDEX\n" }],
    ["loop", { deny: "outside", "within-root": "outside", follow: "outside" }],
  ] as const)("%s", (name, expected) => {
    test.each(["deny", "within-root", "follow"] as const)("symlinks: %s", (policy) =>
      using(policy, async (files) => {
        expect(await opened(files, name)).toContain(expected[policy]);
      })(),
    );
  });

  test(
    "says whether a link was followed",
    using("within-root", async (files) => {
      for (const [name, isLinked] of [
        ["hello.txt", false],
        ["link-in.txt", true],
        ["dirlink-in/page.html", true],
      ] as const) {
        const found = await files.open(name);
        if (typeof found === "string" || !isOpened(found)) throw new Error(name);
        expect(found.isLinked).toBe(isLinked);
        files.closeFile(found.fd);
      }
    }),
  );

  test(
    "never leaves the root, also when asked to",
    using("within-root", async (files) => {
      expect(await opened(files, "../outside/secret.txt")).not.toContain("SECRET");
      expect(await opened(files, "../site-private/private.txt")).not.toContain("SECRET");
      expect(await opened(files, "dir/../../outside/secret.txt")).not.toContain("SECRET");
    }),
  );

  test(
    "a directory that is swapped for a link out of the root while files are opened",
    using("within-root", async (files) => {
      const swap = path.join(site.root, "swap");
      fs.mkdirSync(swap);
      fs.writeFileSync(path.join(swap, "secret.txt"), "fine\n");
      fs.symlinkSync("../outside", path.join(site.root, "swap-link"));
      const rename = (a: string, b: string) =>
        fs.renameSync(path.join(site.root, a), path.join(site.root, b));
      const seen = new Set<string>();
      for (let i = 0; i < 300; i++) {
        const opening = opened(files, "swap/secret.txt");
        rename("swap", "swap-dir");
        rename("swap-link", "swap");
        const other = opened(files, "swap/secret.txt");
        seen.add(await opening);
        rename("swap", "swap-link");
        rename("swap-dir", "swap");
        seen.add(await other);
      }
      for (const text of seen) expect(["fine\n", "outside", "missing"]).toContain(text);
      expect(seen).toContain("outside");
    }),
  );

  test.skipIf(process.getuid?.() === 0)(
    "a file without permission",
    using("within-root", async (files) => {
      fs.chmodSync(path.join(site.root, "private.txt"), 0);
      expect(await opened(files, "private.txt")).toBe("forbidden");
    }),
  );

  test(
    "open, look and lookAt see the same",
    using("within-root", async (files) => {
      const found = await files.open("hello.txt");
      if (typeof found === "string" || !isOpened(found)) throw new Error("not opened");
      const looked = await files.look("hello.txt");
      const lookedAt = files.lookAt(found.fd);
      if (typeof looked === "string" || typeof lookedAt === "string") throw new Error("not seen");
      expect(isSame(found.status, looked)).toBe(true);
      expect(isSame(found.status, lookedAt)).toBe(true);
      expect(found.status).toMatchObject({
        kind: "file",
        byteLength: 12,
        mtimeSeconds: MTIME_SECONDS,
        mtimeNanoseconds: 0,
        links: 1,
      });
      const stats = fs.statSync(path.join(site.root, "hello.txt"));
      expect(looked).toMatchObject({ inode: stats.ino, device: stats.dev });
      files.closeFile(found.fd);
      expect(files.lookAt(-1)).toBe("failed");
      expect(await files.look("missing")).toBe("missing");
    }),
  );

  test(
    "times before 1970, and nanoseconds",
    using("within-root", async (files) => {
      const file = path.join(site.root, "old.txt");
      fs.writeFileSync(file, "");
      // Node's own utimes takes a negative time for "now".
      execFileSync("touch", ["-d", "1969-12-31 23:59:58.5 UTC", file]);
      expect(await files.look("old.txt")).toMatchObject({ mtimeSeconds: -2, mtimeNanoseconds: 500_000_000 });
    }),
  );

  test(
    "reads at an offset, past the end, and large files whole",
    using("within-root", async (files) => {
      const found = await files.open("big.bin");
      if (typeof found === "string" || !isOpened(found)) throw new Error("not opened");
      const all = fs.readFileSync(path.join(site.root, "big.bin"));
      for (const [offset, length] of [
        [0, all.byteLength],
        [1000, 5000],
        [all.byteLength - 10, 10],
      ] as const) {
        const bytes = new Uint8Array(length);
        expect(await files.read(found.fd, bytes, offset)).toBe(length);
        expect(Buffer.from(bytes).equals(all.subarray(offset, offset + length))).toBe(true);
      }
      expect(await files.read(found.fd, new Uint8Array(100), all.byteLength - 10)).toBe(10);
      expect(await files.read(found.fd, new Uint8Array(100), all.byteLength)).toBe(0);
      expect(await files.read(found.fd, new Uint8Array(0), 0)).toBe(0);
      files.closeFile(found.fd);
      expect(await files.read(-1, new Uint8Array(10), 0)).toBe(-1);
    }),
  );

  test(
    "names in a directory, contained as files are",
    using("within-root", async (files) => {
      const names = async (name: string, max = 100) => {
        const found = await files.names(name, max);
        return typeof found === "string" ? found : found.map((each) => `${each.name} ${each.kind}`).sort();
      };
      expect(await names("dir")).toEqual(["index.html file", "page.html file"]);
      expect(await names("dirlink-in")).toEqual(["index.html file", "page.html file"]);
      expect(await names("indexlink")).toEqual(["index.html link"]);
      expect(await names("")).toEqual(expect.arrayContaining(["dir directory", "fifo other", ".env file"]));
      expect(await names("dir", 1)).toHaveLength(1);
      expect(await names("dirlink-out")).toBe("outside");
      expect(await names("hello.txt")).toBe("missing");
      expect(await names("nothing")).toBe("missing");
    }),
  );

  test("a root that is a link is followed anew", async () => {
    const current = path.join(site.base, "current");
    fs.symlinkSync("site/dir", current);
    const files = create(current, "within-root");
    expect(await opened(files, "page.html")).toContain("PAGE");
    fs.symlinkSync("site/dir2", `${current}.new`);
    fs.renameSync(`${current}.new`, current);
    files.forgetRoot();
    expect(await opened(files, "page.html")).toBe("missing");
    expect(await opened(files, "x.txt")).toBe("x\n");
    files.close();
    fs.unlinkSync(current);
  });

  test("no descriptor is left", async () => {
    const count = () => fs.readdirSync("/proc/self/fd").length;
    const before = count();
    const files = create(site.root, "within-root");
    for (let i = 0; i < 20; i++) {
      for (const name of ["hello.txt", "dir", "fifo", "link-in.txt", "link-out.txt", "missing", "loop"]) {
        await opened(files, name);
      }
      await files.names("dir", 100);
    }
    files.close();
    // Threads close some of them.
    await expect.poll(count).toBeLessThanOrEqual(before);
  });
}
