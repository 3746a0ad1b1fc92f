import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { startCli } from "./cli.fixture.js";

const folder = mkdtempSync(join(tmpdir(), "tz-ready-"));
writeFileSync(join(folder, "a.txt"), "a\n");
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === "::1"),
);

describe.each(["epoll", "node"])("loop %s", (loop) => {
  const start = (...args: string[]) => startCli([folder, "--port", "0", "--loop", loop, ...args]);

  test("one line with the port that was bound, and nothing else", async () => {
    const cli = start();
    const { url, host, port } = await cli.ready();
    expect({ host, url }).toEqual({ host: "127.0.0.1", url: `http://127.0.0.1:${port}/` });
    expect(port).toBeGreaterThan(0);
    expect(await (await fetch(`${url}a.txt`)).text()).toBe("a\n");
    expect(cli.stderr).toBe("");
    expect(await cli.stop()).toEqual({ code: 0, signal: null });
    expect(cli.stdout).toBe(`Listening on ${url}\n`);
    expect(cli.stderr).toMatch(/^Stopping.*\n$/);
  });

  test("--quiet: the same line, no notes", async () => {
    const cli = start("--quiet");
    const { url } = await cli.ready();
    await cli.stop();
    expect([cli.stdout, cli.stderr]).toEqual([`Listening on ${url}\n`, ""]);
  });

  test.skipIf(!hasIpv6)(`an IPv6 host in brackets${hasIpv6 ? "" : ": this machine has no ::1"}`, async () => {
    for (const host of ["::1", "[::1]"]) {
      const cli = start("--host", host);
      const { url, port } = await cli.ready();
      expect(url).toBe(`http://[::1]:${port}/`);
      // curl, because a client of another make reads the line as people do.
      expect(execFileSync("curl", ["-s", "-g", `${url}a.txt`]).toString()).toBe("a\n");
      await cli.stop();
    }
  });

  test("a host name, and all addresses", async () => {
    for (const host of ["localhost", "0.0.0.0"]) {
      const cli = start("--host", host);
      const { port } = await cli.ready();
      expect(await (await fetch(`http://localhost:${port}/a.txt`)).text()).toBe("a\n");
      await cli.stop();
    }
  });

  test("a DIR relative to the working directory", async () => {
    const cli = startCli([basename(folder), "--port=0", "--loop", loop], { cwd: dirname(folder) });
    const { url } = await cli.ready();
    expect(await (await fetch(`${url}a.txt`)).text()).toBe("a\n");
  });
});
