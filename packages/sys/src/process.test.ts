import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { RLIMIT_CORE, RLIMIT_NOFILE } from "./constants.js";
import {
  getNoNewPrivileges,
  getResourceLimit,
  schedGetaffinity,
  schedSetaffinity,
  setResourceLimit,
} from "./process.js";

const all = schedGetaffinity(0);
afterEach(() => schedSetaffinity(0, all));

test("the affinity is read and set, for this thread and for another process", async () => {
  const allowed = /Cpus_allowed_list:\s*(\S+)/;
  schedSetaffinity(0, [all[0]!]);
  expect(schedGetaffinity(0)).toEqual([all[0]]);
  expect(allowed.exec(readFileSync("/proc/thread-self/status", "utf8"))?.[1]).toBe(String(all[0]));
  schedSetaffinity(0, all);
  const child = spawn("sleep", ["20"]);
  try {
    schedSetaffinity(child.pid!, [all.at(-1)!]);
    expect(schedGetaffinity(child.pid!)).toEqual([all.at(-1)]);
    expect(schedGetaffinity(0)).toEqual(all);
  } finally {
    child.kill("SIGKILL");
  }
});

test.each([[[1024]], [[-1]], [[0.5]]])("refuses the processors %j", (cpus) => {
  expect(() => schedSetaffinity(0, cpus)).toThrow(expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT" }));
});

test("no processor at all is the kernel's EINVAL, no process its ESRCH", () => {
  expect(() => schedSetaffinity(0, [])).toThrow(expect.objectContaining({ code: "EINVAL" }));
  expect(() => schedSetaffinity(0, [1023])).toThrow(expect.objectContaining({ code: "EINVAL" }));
  expect(() => schedGetaffinity(2 ** 30)).toThrow(expect.objectContaining({ code: "ESRCH" }));
});

test("limits are read as /proc shows them, and set", () => {
  const before = getResourceLimit(RLIMIT_NOFILE);
  const [, soft, hard] = /Max open files\s+(\S+)\s+(\S+)/.exec(readFileSync("/proc/self/limits", "utf8"))!;
  const number = (text: string) => (text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text));
  expect(before).toEqual({ soft: number(soft!), hard: number(hard!) });
  setResourceLimit(RLIMIT_NOFILE, { soft: 512, hard: before.hard });
  expect(getResourceLimit(RLIMIT_NOFILE, process.pid)).toEqual({ soft: 512, hard: before.hard });
  setResourceLimit(RLIMIT_NOFILE, before);
  expect(getResourceLimit(RLIMIT_NOFILE)).toEqual(before);
});

test("no limit is Infinity both ways", () => {
  const before = getResourceLimit(RLIMIT_CORE);
  if (before.hard === Number.POSITIVE_INFINITY) {
    setResourceLimit(RLIMIT_CORE, { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY });
    expect(getResourceLimit(RLIMIT_CORE).soft).toBe(Number.POSITIVE_INFINITY);
    setResourceLimit(RLIMIT_CORE, before);
  }
  expect(() => setResourceLimit(RLIMIT_CORE, { soft: 2, hard: 1 })).toThrow(
    expect.objectContaining({ code: "EINVAL" }),
  );
  expect(() => getResourceLimit(999)).toThrow(
    expect.objectContaining({ code: "EINVAL", syscall: "prlimit" }),
  );
  for (const soft of [-1, 1.5, Number.NaN]) {
    expect(() => setResourceLimit(RLIMIT_CORE, { soft, hard: 1 })).toThrow("Infinity or an integer");
  }
});

test("no new privileges: for this thread and what it starts, in a process of its own", () => {
  const status = /NoNewPrivs:\s*(\d)/.exec(readFileSync("/proc/thread-self/status", "utf8"))?.[1];
  expect(getNoNewPrivileges()).toBe(status === "1");
  const script = `
    const { getNoNewPrivileges, setNoNewPrivileges } = await import("${new URL("./index.ts", import.meta.url).href}");
    const { execFileSync } = await import("node:child_process");
    setNoNewPrivileges();
    const child = execFileSync("cat", ["/proc/self/status"], { encoding: "utf8" });
    console.log(JSON.stringify([getNoNewPrivileges(), /NoNewPrivs:\\s*1/.test(child)]));
  `;
  const flags = ["--import", "tsx", "--conditions=@tz/source", "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, flags, { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toBe("[true,true]\n");
});
