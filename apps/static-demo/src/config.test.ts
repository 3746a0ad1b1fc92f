import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "./config.js";
import { UsageError } from "./usage-error.js";

const read = (...args: string[]) => readConfig(args, "1.2.3");

const messageOf = (...args: string[]): string => {
  try {
    read(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error(`accepted: ${args.join(" ")}`);
};

const NOTHING = {
  metrics: false,
  health: false,
  dashboard: false,
  admin: undefined,
  drainDelayMs: 0,
  accessLog: undefined,
};

test("defaults", () => {
  expect(read()).toEqual({
    dir: undefined,
    host: "127.0.0.1",
    port: 8080,
    loop: "auto",
    workers: 1,
    pin: false,
    user: undefined,
    group: undefined,
    socketMode: undefined,
    quiet: false,
    tls: undefined,
    config: undefined,
    monitoring: NOTHING,
    mount: {},
    given: new Set(),
  });
});

test("everything given, options before and after DIR", () => {
  const dir = mkdtempSync(join(tmpdir(), "tz-config-"));
  const all = {
    ...{
      dir,
      host: "::1",
      port: 0,
      loop: "node",
      quiet: true,
      tls: undefined,
      monitoring: NOTHING,
      config: undefined,
      mount: {},
    },
    ...{ workers: "auto", pin: true, user: "www-data", group: "www-data", socketMode: undefined },
  };
  const more = ["--workers=auto", "--pin", "--user", "www-data", "--group", "www-data"];
  expect(read("--port", "0", dir, "--host=[::1]", "--loop", "node", "--quiet", ...more)).toMatchObject(all);
  expect(read("--quiet", "--loop=node", "--host", "::1", "--port=0", ...more, "--", dir)).toEqual({
    ...all,
    given: new Set(["host", "port", "loop", "quiet", "workers", "pin", "user", "group"]),
  });
});

test("a host with a slash is the path of a Unix socket", () => {
  expect(read("--host", "run/tz.sock", "--socket-mode", "660")).toMatchObject({
    host: join(process.cwd(), "run/tz.sock"),
    socketMode: 0o660,
  });
});

test("--help and --version answer on stdout", () => {
  expect(read("--version")).toEqual({ text: "1.2.3\n" });
  expect(read("--help")).toMatchObject({
    text: expect.stringMatching(/Usage: tz-static .*--loop <name>.*epoll/s),
  });
});

describe("a bad command line is one line that names the thing, the value and what is allowed", () => {
  const file = join(mkdtempSync(join(tmpdir(), "tz-config-")), "file.txt");
  writeFileSync(file, "");
  test.each([
    [["--port", "70000"], /--port.*70000.*0 to 65535/],
    [["--port", "-1"], /--port.*-1.*0 to 65535/],
    [["--port", "80.5"], /--port.*80\.5.*0 to 65535/],
    [["--port", "http"], /--port.*http.*0 to 65535/],
    [["--port", ""], /--port.*0 to 65535/],
    [["--port", "0x50"], /--port.*0x50.*0 to 65535/],
    [["--port"], /--port/],
    [["--host", "a b"], /--host.*a b.*address/],
    [["--host", ""], /--host.*address/],
    [["--host", "/run/"], /--host.*\/run\/.*address/],
    [["--workers", "0"], /--workers.*0.*auto.*1 to 256/],
    [["--workers", "many"], /--workers.*many.*auto.*1 to 256/],
    [["--pin"], /--pin needs --workers 2/],
    [["--socket-mode", "999"], /--socket-mode.*999.*octal/],
    [["--loop", "uring"], /--loop.*uring.*epoll, node/],
    [["--frobnicate"], /--frobnicate.*allowed: .*--host, --port, --loop, --workers/],
    [["--cert", "a.pem"], /--cert without --key; both are needed/],
    [["--key", "a.pem"], /--key without --cert; both are needed/],
    [["--cert", "a", "--key", "b", "--tls-self-signed"], /cannot be given together with --cert/],
    [["--hsts"], /--hsts needs HTTPS: --cert and --key, or --tls-self-signed/],
    [["--http-redirect", "0"], /--http-redirect needs HTTPS/],
    [["--tls-self-signed", "--hsts", "soon"], /a whole number of seconds from 0 to/],
    [["a", "b"], /one DIR only.*"a", "b"/],
    [["/no/such/folder"], /"\/no\/such\/folder" does not exist.*directory/],
    [[file], /file\.txt" is not a directory/],
    [[`${file}/below`], /below" does not exist/],
  ])("%j", (args, message) => {
    expect(messageOf(...args)).toMatch(message);
    expect(messageOf(...args)).not.toContain("\n");
  });
});
