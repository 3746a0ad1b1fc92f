import { execFileSync, spawnSync } from "node:child_process";
import { constants as fsConstants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as constants from "./constants.js";
import { SYSCALL_NUMBER } from "./syscall-number.js";

const ours = new Map(Object.entries(constants).map(([name, value]) => [name, value >>> 0]));

test.runIf(process.platform === "linux")("what Node knows too has Node's value", () => {
  const shared = Object.entries(fsConstants).filter(([name]) => ours.has(name));
  expect(shared.map(([name]) => name)).toEqual(
    expect.arrayContaining(["O_DIRECTORY", "O_NOFOLLOW", "O_DIRECT", "O_CREAT", "S_IFMT", "S_IFLNK"]),
  );
  expect(shared.map(([name]) => [name, ours.get(name)])).toEqual(
    shared.map(([name, value]) => [name, value]),
  );
});

const hasCompiler = spawnSync("cc", ["--version"]).status === 0 && process.platform === "linux";

test.runIf(hasCompiler)("every number is the one in the system's headers", () => {
  // glibc gives O_LARGEFILE as 0 on 64-bit processors (it is implied); EPOLL_EVENT_BYTES is ours.
  const names = [...ours.keys()].filter((name) => name !== "EPOLL_EVENT_BYTES" && name !== "O_LARGEFILE");
  const headers =
    "fcntl.h dirent.h poll.h sched.h sys/epoll.h sys/eventfd.h sys/inotify.h sys/mman.h sys/prctl.h sys/resource.h sys/socket.h sys/stat.h sys/syscall.h sys/uio.h netinet/in.h netinet/tcp.h linux/openat2.h linux/memfd.h linux/mman.h";
  const source = [
    "#define _GNU_SOURCE",
    ...headers.split(" ").map((header) => `#include <${header}>`),
    "#include <stdio.h>",
    "int main(){",
    // Younger than some headers that people still have.
    ...names.map((name) => print(name, !YOUNG.has(name))),
    ...Object.keys(SYSCALL_NUMBER).map((name) => print(`SYS_${name}`, true)),
    'printf("EPOLL_EVENT_BYTES %zu\\n", sizeof(struct epoll_event));',
    "}",
  ].join("\n");
  const folder = mkdtempSync(join(tmpdir(), "tz-sys-"));
  try {
    writeFileSync(join(folder, "print.c"), source);
    execFileSync("cc", ["-o", join(folder, "print"), join(folder, "print.c")], { stdio: "pipe" });
    const lines = execFileSync(join(folder, "print")).toString().trim().split("\n");
    const theirs = new Map(lines.map((line) => line.split(" ") as [string, string]));
    expect(theirs.size).toBeGreaterThan(200);
    for (const [name, value] of theirs) {
      const expected = name.startsWith("SYS_")
        ? SYSCALL_NUMBER[name.slice(4) as keyof typeof SYSCALL_NUMBER]
        : ours.get(name);
      expect(`${name} ${expected}`).toBe(`${name} ${value}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const YOUNG = new Set(["MADV_POPULATE_READ", "MADV_POPULATE_WRITE", "RESOLVE_CACHED", "TCP_NOTSENT_LOWAT"]);

function print(name: string, isRequired: boolean): string {
  const line = `printf("${name} %u\\n", (unsigned)(${name}));`;
  return isRequired ? line : `#ifdef ${name}\n${line}\n#endif`;
}

test("on arm64 the numbers that differ are those of its kernel headers", () => {
  const script = `
    Object.defineProperty(process, "arch", { value: "arm64" });
    const constants = await import(${JSON.stringify(new URL("./constants.ts", import.meta.url).href)});
    const { SYSCALL_NUMBER } = await import(${JSON.stringify(new URL("./syscall-number.ts", import.meta.url).href)});
    console.log(JSON.stringify({ ...constants, SYSCALL_NUMBER }));`;
  const output = execFileSync(process.execPath, [
    "--import",
    "tsx",
    "--conditions=@tz/source",
    "--input-type=module",
    "-e",
    script,
  ]).toString();
  const arm = JSON.parse(output) as Record<string, unknown>;
  // arch/arm64/include/uapi/asm/fcntl.h; include/uapi/asm-generic/unistd.h; epoll_event is packed on x86-64 only.
  expect(arm).toMatchObject({
    O_DIRECTORY: 0o40000,
    O_NOFOLLOW: 0o100000,
    O_DIRECT: 0o200000,
    O_LARGEFILE: 0o400000,
    O_TMPFILE: 0o20040000,
    O_CLOEXEC: 0o2000000,
    EPOLL_EVENT_BYTES: 16,
    SYSCALL_NUMBER: { getdents64: 61, preadv2: 286, statx: 291, openat2: 437 },
  });
});
