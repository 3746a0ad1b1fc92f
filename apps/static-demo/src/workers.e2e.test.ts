import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isEpollSupported } from "@tz/server";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Cli, startCli } from "./cli.fixture.js";
import { childrenOf } from "./torture/process-sockets.fixture.js";

const folder = mkdtempSync(join(tmpdir(), "tz-workers-"));
writeFileSync(join(folder, "a.txt"), "a\n");
const hasProc = existsSync("/proc/self/task");
const noProc = hasProc ? "" : " (skipped: no /proc)";

async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await look())) await sleep(20);
}

const textAt = async (url: string): Promise<string> => (await fetch(`${url}a.txt`)).text();

describe.skipIf(!hasProc).each(["epoll", "node"])(`loop %s${noProc}`, (loop) => {
  const start = (...more: string[]): Cli =>
    startCli([folder, "--port", "0", "--loop", loop, "--workers", "2", ...more]);

  test("a killed worker is replaced, SIGHUP replaces all, SIGTERM ends all", async () => {
    const cli = start();
    const { url } = await cli.ready();
    const supervisor = cli.child.pid ?? 0;
    const first = childrenOf(supervisor);
    expect(first).toHaveLength(2);
    process.kill(first[0]!, "SIGKILL");
    await until(() => cli.stderr.includes("ended: SIGKILL"));
    await until(() => childrenOf(supervisor).filter((pid) => pid !== first[0]).length === 2);
    cli.child.kill("SIGHUP");
    await until(() => cli.stderr.includes("Reloaded: generation 2"));
    expect(await textAt(url)).toBe("a\n");
    await until(() => childrenOf(supervisor).every((pid) => !first.includes(pid)));
    const last = childrenOf(supervisor);
    expect(await cli.stop()).toEqual({ code: 0, signal: null });
    expect(last.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(cli.stdout).toBe(`Listening on ${url}\n`);
  });

  test("one process is one process", async () => {
    const cli = startCli([folder, "--port", "0", "--loop", loop]);
    await cli.ready();
    expect(childrenOf(cli.child.pid ?? 0)).toEqual([]);
  });
});

const epoll = isEpollSupported();
const epollOnly = epoll.supported ? "" : ` (skipped: ${epoll.reason})`;

describe.skipIf(!epoll.supported || !hasProc)(`on Linux${epollOnly}`, () => {
  test("SIGUSR2 starts the program anew on the same port", async () => {
    const cli = startCli([folder, "--port", "0", "--workers", "2"]);
    const { url } = await cli.ready();
    const workers = childrenOf(cli.child.pid ?? 0);
    cli.child.kill("SIGUSR2");
    await until(() => cli.stderr.includes(" serves now"));
    const successor = Number(/Process (\d+) serves now/.exec(cli.stderr)?.[1]);
    onTestFinished(() => {
      if (existsSync(`/proc/${successor}`)) process.kill(successor, "SIGKILL");
    });
    await until(() => cli.child.exitCode !== null);
    expect(cli.child.exitCode).toBe(0);
    expect(workers.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(childrenOf(successor)).toHaveLength(2);
    expect(await textAt(url)).toBe("a\n");
    process.kill(successor, "SIGTERM");
    await cli.exit;
    expect(cli.stdout).toBe(`Listening on ${url}\nListening on ${url}\n`);
    await expect(textAt(url)).rejects.toThrow();
  });

  test("a Unix socket with a mode, gone at the end", async () => {
    const path = join(folder, "tz.sock");
    const cli = startCli([folder, "--host", path, "--socket-mode", "600", "--workers", "2"]);
    await until(() => cli.stdout.includes("\n"));
    expect(cli.stdout).toBe(`Listening on unix:${path}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(execFileSync("curl", ["-s", "--unix-socket", path, "http://x/a.txt"]).toString()).toBe("a\n");
    await cli.stop();
    expect(existsSync(path)).toBe(false);
  });

  test("a user that there is not is a bad option", async () => {
    const cli = startCli([folder, "--port", "0", "--user", "no-such-user"]);
    expect(await cli.exit).toEqual({ code: 2, signal: null });
    expect(cli.stderr).toMatch(/^tz-static: user is "no-such-user"; allowed: .*\n$/);
  });
});
