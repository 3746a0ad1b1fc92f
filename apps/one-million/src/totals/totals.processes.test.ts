import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { close, isSupported } from "@tz/sys";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMemoryFile, MemfdPages } from "../memory/memfd-pages.js";
import { formatPages, Totals } from "./totals.js";

const support = isSupported();
const why = support.supported ? "" : `: ${support.reason}`;
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const fixture = fileURLToPath(new URL("./count.fixture.ts", import.meta.url));

function share(lanes: number) {
  const fd = createMemoryFile();
  const pages = new MemfdPages(fd);
  formatPages(pages, lanes);
  const totals = new Totals(pages, 0);
  onTestFinished(() => {
    totals.close();
    pages.close();
    close(fd);
  });
  /** Runs a process of count.fixture.ts to its end. */
  const run = async (...args: (string | number)[]) => {
    const child = spawn(
      process.execPath,
      ["--import", tsx, "--conditions=@tz/source", fixture, ...args.map(String)],
      { stdio: ["ignore", "pipe", "inherit", fd] },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return { output, code, signal };
  };
  return { fd, pages, totals, run };
}

const record = (totals: Totals, name: string, value: number) => {
  const bytes = Buffer.from(name);
  totals.record(bytes, 0, bytes.byteLength, value);
};

describe.skipIf(!support.supported)(`several processes${why}`, () => {
  test("count exactly while the table of users grows under them", async () => {
    const { totals, run } = share(4);
    const [events, users] = [60_000, 50_000];
    const counting = [1, 2, 3].map((lane) => run("count", lane, events, users, lane));
    // Snapshots during the run: never more users than events, and both only rise.
    let last = totals.stats();
    let done = false;
    const all = Promise.all(counting).finally(() => (done = true));
    while (!done) {
      const now = totals.stats();
      expect(now.totalRequests).toBeGreaterThanOrEqual(last.totalRequests);
      expect(now.uniqueUsers).toBeGreaterThanOrEqual(last.uniqueUsers);
      expect(now.uniqueUsers).toBeLessThanOrEqual(now.totalRequests);
      last = now;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const results = await all;
    const expected = new Set<number>();
    for (const seed of [1, 2, 3]) {
      let state = seed;
      for (let i = 0; i < events; i++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        expected.add(Math.floor((state / 2 ** 32) * users));
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      }
    }
    const sum = results.reduce((total, { output }) => total + Number(output), 0);
    expect(totals.stats()).toEqual({
      totalRequests: 3 * events,
      uniqueUsers: expected.size,
      sum,
      avg: sum / (3 * events),
    });
  });

  test("a reset amid events leaves whole events only, and gives the memory back", async () => {
    const { fd, totals, run } = share(4);
    const blocks = () => statSync(`/proc/self/fd/${fd}`).blocks * 512;
    await Promise.all([
      run("count", 1, 40_000, 1, 1),
      run("count", 2, 40_000, 1, 1),
      run("reset", 3, 200),
      (async () => {
        for (let i = 0; i < 200; i++) {
          const { totalRequests, uniqueUsers, sum } = totals.stats();
          expect(uniqueUsers).toBe(totalRequests === 0 ? 0 : 1);
          expect(Math.abs(sum ?? Number.NaN)).toBeLessThanOrEqual(totalRequests * 700);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })(),
    ]);
    totals.reset();
    expect(totals.stats()).toEqual({ totalRequests: 0, uniqueUsers: 0, sum: 0, avg: 0 });
    record(totals, "a", 1);
    expect(totals.stats()).toEqual({ totalRequests: 1, uniqueUsers: 1, sum: 1, avg: 1 });
    // One header, one root, one level, one chunk; what events wrote late into roots that are gone may add a few pages.
    expect(blocks()).toBeLessThan(4 * 1024 * 1024);
  });

  test.each([
    ["written", false],
    ["prepared", false],
    ["intended", false],
    ["published", true],
    ["committed", true],
    ["settled", true],
  ])("a process killed when its user was %s: the event counts is %s", async (step, counts) => {
    const { pages, totals, run } = share(2);
    record(totals, "other", 1);
    expect((await run("die", 1, step)).signal).toBe("SIGKILL");
    const heir = new Totals(pages, 1);
    expect(heir.recover()).toBe(step === "published");
    expect(heir.recover()).toBe(false);
    const before = counts
      ? { totalRequests: 2, uniqueUsers: 2, sum: 8 }
      : { totalRequests: 1, uniqueUsers: 1, sum: 1 };
    expect(totals.stats()).toMatchObject(before);
    // The user is known or new, as the event was counted or not; either way it counts once.
    record(heir, "victim", 7);
    record(totals, "victim", 7);
    const events = before.totalRequests + 2;
    expect(totals.stats()).toEqual({
      totalRequests: events,
      uniqueUsers: 2,
      sum: before.sum + 14,
      avg: (before.sum + 14) / events,
    });
    heir.close();
  });

  test("an event of a dead process is not brought back after a reset", async () => {
    const { pages, totals, run } = share(2);
    await run("die", 1, "published");
    totals.reset();
    const heir = new Totals(pages, 1);
    expect(heir.recover()).toBe(false);
    expect(totals.stats().totalRequests).toBe(0);
    heir.close();
  });
});
