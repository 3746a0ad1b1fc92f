import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startCli } from "./cli.fixture.js";

const folder = mkdtempSync(join(tmpdir(), "tz-exit-"));
const file = join(folder, "file.txt");
writeFileSync(file, "");

/** Exit code 2, nothing on stdout, one line on stderr. */
async function refusal(...args: string[]): Promise<string> {
  const cli = startCli(args);
  expect(await cli.exit, cli.stderr).toEqual({ code: 2, signal: null });
  expect(cli.stdout).toBe("");
  expect(cli.stderr).toMatch(/^tz-static: [^\n]+\n$/);
  return cli.stderr;
}

test.each([
  ["a missing DIR", [join(folder, "no")], /no" does not exist; it must be a directory/],
  ["DIR is a file", [file], /file\.txt" is not a directory/],
  [
    "a missing DIR to compress",
    ["precompress", join(folder, "no")],
    /no" does not exist; it must be a directory/,
  ],
  ["no DIR to compress", ["precompress"], /precompress takes one DIR, got nothing; usage/],
  ["no FILE to convert", ["import-nginx"], /import-nginx takes one FILE, got nothing; usage/],
  ["an unknown option", [folder, "--prot", "80"], /'--prot'; allowed: .*--port/],
  ["a bad port", [folder, "--port", "99999"], /--port.*'99999'.*0 to 65535/],
  ["a bad loop", [folder, "--loop", "uring"], /--loop.*'uring'.*epoll, node/],
  ["two DIRs", [folder, folder], /one DIR only/],
])("%s", async (_name, args, message) => {
  expect(await refusal(...args)).toMatch(message);
});

/** Makes the package unresolvable, as in an installation without optional packages. */
const WITHOUT_KOFFI = `--import=data:text/javascript,${encodeURIComponent(`
  import { Module } from "node:module";
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, ...rest) {
    if (request === "koffi") throw Object.assign(new Error("Cannot find module 'koffi'\\nRequire stack:\\n- a.js"), { code: "MODULE_NOT_FOUND" });
    return resolve.call(this, request, ...rest);
  };`)}`;

test.each([
  ["one process", []],
  ["workers", ["--workers", "2"]],
])("--loop epoll without FFI says what is missing and how to get it: %s", async (_name, more) => {
  const args = [folder, "--port", "0", "--loop", "epoll", ...more];
  const cli = startCli(args, { execArgv: [WITHOUT_KOFFI] });
  expect(await cli.exit).toEqual({ code: 2, signal: null });
  expect(cli.stdout).toBe("");
  const missing =
    process.platform === "linux"
      ? "koffi does not load: Cannot find module 'koffi' (npm install koffi brings it)"
      : `the platform is ${process.platform}, not linux`;
  expect(cli.stderr).toBe(
    `tz-static: --loop epoll does not run here: ${missing}; --loop node runs everywhere\n`,
  );
});

test("without FFI the loop is node when none is asked for", async () => {
  const { url } = await startCli([folder, "--port", "0"], { execArgv: [WITHOUT_KOFFI] }).ready();
  expect((await fetch(`${url}file.txt`)).status).toBe(200);
});

describe.each(["epoll", "node"])("loop %s", (loop) => {
  test("a taken port", async () => {
    const holder = createServer();
    onTestFinished(() => void holder.close());
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, "127.0.0.1", () => resolve((holder.address() as { port: number }).port));
    });
    const line = await refusal(folder, "--port", String(port), "--loop", loop);
    expect(line).toBe(
      `tz-static: port ${port} on 127.0.0.1 is taken; choose another with --port (0 picks a free one)\n`,
    );
  });

  test("a port that another tz-static has", async () => {
    const { port } = await startCli([folder, "--port", "0", "--loop", loop]).ready();
    expect(await refusal(folder, "--port", String(port), "--loop", loop)).toMatch(/is taken/);
  });

  test("an address of another machine", async () => {
    // RFC 5737: never an address of this one.
    expect(await refusal(folder, "--port", "0", "--loop", loop, "--host", "192.0.2.1")).toMatch(
      /"192\.0\.2\.1" is not an address of this machine/,
    );
  });

  test.skipIf(process.platform === "win32")("a Unix socket in a folder that is not there", async () => {
    const path = join(folder, "no", "such.sock");
    // libuv says EACCES for it.
    expect(await refusal(folder, "--loop", loop, "--host", path)).toMatch(
      new RegExp(`^tz-static: ${path} .*; choose another path with --host\n$`),
    );
  });

  test("a name that does not exist", async () => {
    // RFC 6761: never a known name.
    expect(await refusal(folder, "--port", "0", "--loop", loop, "--host", "no.such.invalid")).toMatch(
      /"no\.such\.invalid" is not known/,
    );
  });
});

test("--help and --version end with 0 and answer on stdout", async () => {
  const help = startCli(["--help"]);
  expect(await help.exit).toEqual({ code: 0, signal: null });
  for (const option of ["[DIR]", "--host", "--port", "--loop", "--quiet"])
    expect(help.stdout).toContain(option);
  expect(help.stderr).toBe("");
  const version = startCli(["--version"]);
  expect(await version.exit).toEqual({ code: 0, signal: null });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
