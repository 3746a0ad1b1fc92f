import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { type CommandLine, readConfig } from "../config.js";
import { resolveSettings, type Settings } from "../settings.js";
import { UsageError } from "../usage-error.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tz-config-file-"));
  mkdirSync(join(folder, "site"));
  mkdirSync(join(folder, "media"));
});

const put = (name: string, content: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
};
const settings = (...args: string[]): Promise<Settings> =>
  resolveSettings(readConfig(args, "0") as CommandLine);
const messageOf = async (...args: string[]): Promise<string> => {
  const error = await settings(...args).then(
    (given) => {
      throw new Error(`accepted: ${JSON.stringify(given)}`);
    },
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).not.toContain("\n");
  return (error as Error).message;
};

test("mounts, with directories and manifests beside the file", async () => {
  const file = put("tz.json", {
    $schema: "./node_modules/tz-static/config.schema.json",
    host: "::1",
    port: 0,
    loop: "node",
    quiet: true,
    mounts: [
      { root: "site", cache: { bytes: 1 }, manifest: "manifest.json" },
      { prefix: "/media", root: join(folder, "media") },
    ],
  });
  const origin = `--config ${JSON.stringify(file)}:`;
  expect(await settings("--config", file)).toMatchObject({
    host: "::1",
    port: 0,
    loop: "node",
    quiet: true,
    workers: 1,
    pin: false,
    mounts: [
      {
        prefix: "/",
        dir: join(folder, "site"),
        options: { cache: { bytes: 1 }, manifest: join(folder, "manifest.json") },
        origin: `${origin} mounts[0]:`,
      },
      { prefix: "/media", dir: join(folder, "media"), options: {}, origin: `${origin} mounts[1]:` },
    ],
  });
});

test("the process", async () => {
  const process = { workers: "auto", pin: true, user: "www-data", group: "www", loop: "epoll" };
  const file = put("tz.json", { ...process, host: "./tz.sock", socketMode: "660" });
  const expected = { ...process, host: join(folder, "tz.sock"), socketMode: 0o660, mounts: [] };
  expect(await settings("--config", file)).toMatchObject(expected);
  expect(await settings("--config", file, "--workers", "3")).toMatchObject({ ...expected, workers: 3 });
  expect(await messageOf("--config", put("pin.json", { pin: true }))).toMatch(/"pin" needs "workers"/);
});

test("HTTPS", async () => {
  const tls = { cert: "a.pem", key: "/b.pem", http2: true, hsts: true, httpRedirect: 80 };
  const file = put("tz.json", tls);
  const files = { cert: join(folder, "a.pem"), key: "/b.pem" };
  expect((await settings("--config", file)).tls).toEqual({
    files,
    hstsS: 31_536_000,
    http2: true,
    redirectPort: 80,
  });
  expect((await settings("--config", put("own.json", { tlsSelfSigned: true }))).tls).toMatchObject({
    files: undefined,
  });
  expect((await settings("--config", put("none.json", {}))).tls).toBeUndefined();
  const line = await settings("--config", file, "--tls-self-signed");
  expect(line.tls).toMatchObject({ files: undefined, http2: false, redirectPort: undefined });
  expect(await messageOf("--config", put("half.json", { cert: "a.pem" }))).toMatch(
    /half\.json": --cert without/,
  );
  expect(await messageOf("--config", put("h2.json", { http2: true }))).toMatch(
    /h2\.json": --http2 needs HTTPS: --cert and --key, or --tls-self-signed/,
  );
  expect(await messageOf("--config", put("hsts.json", { hsts: -1 }))).toMatch(
    /"hsts" must be true or an int/,
  );
});

test("one mount at the top; the command line wins", async () => {
  const file = put("tz.json", {
    port: 1,
    prefix: "/a",
    root: "site",
    maxAge: 5,
    cache: { fds: 7, bytes: 1 },
    headers: { "**": { A: "1" }, "*.js": { B: "2" } },
  });
  const flags = ["--port", "2", "--ttl", "9", "--cache-mb", "1", "--header", "**: C: 3", "--listing"];
  expect(await settings("--config", file, ...flags)).toMatchObject({
    port: 2,
    host: "127.0.0.1",
    mounts: [
      {
        prefix: "/a",
        dir: join(folder, "site"),
        options: {
          maxAge: 5,
          listing: true,
          cache: { fds: 7, bytes: 1_048_576, ttlMs: 9000 },
          headers: { "**": { C: "3" }, "*.js": { B: "2" } },
        },
      },
    ],
  });
  const moved = await settings("--config", file, join(folder, "media"));
  expect(moved.mounts[0]?.dir).toBe(join(folder, "media"));
});

test("a file without a directory leaves it to the command line", async () => {
  const file = put("tz.json", { maxAge: 5 });
  const { mounts } = await settings("--config", file, join(folder, "site"));
  expect(mounts).toMatchObject([{ dir: join(folder, "site"), options: { maxAge: 5 } }]);
  expect(await messageOf("--config", file)).toMatch(/lacks "root", and there is no DIR/);
  const server = put("server.json", { port: 0 });
  expect(await settings("--config", server)).toMatchObject({ port: 0, mounts: [] });
  expect(await messageOf("--config", server, "--listing")).toMatch(/need a DIR, or a "root"/);
});

test.each(["mjs", "js", "cjs"])("a module, .%s", async (extension) => {
  const body = '{ root: "site", headers: (path) => ({ "X-Path": path }) }';
  put("package.json", { type: "module" });
  const isCommon = extension === "cjs";
  const file = put(`tz.${extension}`, isCommon ? `module.exports = ${body}` : `export default ${body}`);
  const { mounts } = await settings("--config", file);
  const { headers } = mounts[0]?.options ?? {};
  expect((headers as (path: string) => unknown)("a")).toEqual({ "X-Path": "a" });
  expect(await messageOf("--config", file, "--header", "**: A: 1")).toMatch(/"headers" is a function/);
});

describe("what is wrong is told in one line: the file, the key, its value and what is allowed", () => {
  const root = "site";
  test.each([
    [{ root, maxage: 1 }, /tz\.json": unknown key "maxage" \(1\); allowed: .*\bmaxAge\b.*\bcache\b/],
    [{ mounts: [{ root, port: 1 }] }, /mounts\[0\]: unknown key "port" \(1\); allowed: prefix, root, index/],
    [{ mounts: [{ root }, { prefix: "/b" }] }, /mounts\[1\]: lacks "root"/],
    [{ mounts: [] }, /"mounts" must be a list of 1 to 1000 mounts.*got \[\]/],
    [{ mounts: ["site"] }, /mounts\[0\]: must be an object.*got "site"/],
    [{ mounts: [{ root: "no" }] }, /mounts\[0\]: root "no" does not exist/],
    [{ mounts: [{ root }], maxAge: 1 }, /"maxAge" stands beside "mounts"/],
    [{ root: 7 }, /"root" must be the path of a directory, got 7/],
    [{ root, prefix: "a" }, /"prefix" must be .*got "a"/],
    [{ root, port: "80" }, /"port" must be an integer from 0 to 65535.*got "80"/],
    [{ root, port: 65_536 }, /"port" must be .*got 65536/],
    [{ root, host: "a b" }, /"host" must be .*got "a b"/],
    [{ root, loop: "uring" }, /"loop" must be "auto", "epoll", "node", got "uring"/],
    [{ root, workers: 0 }, /"workers" must be "auto" or an integer from 1 to 256, got 0/],
    [{ root, socketMode: 660 }, /"socketMode" must be three octal digits, as "660", got 660/],
    [{ root, quiet: 1 }, /"quiet" must be true or false, got 1/],
    [{ root, __proto__x: 1 }, /unknown key "__proto__x"/],
    [{ root, toString: 1 }, /unknown key "toString"/],
    [[], /must be an object, got \[\]/],
    [null, /must be an object, got null/],
    ["{ root: 'x' }", /is not JSON: /],
  ])("%j", async (content, message) => {
    expect(await messageOf("--config", put("tz.json", content))).toMatch(message);
  });

  test("the file itself", async () => {
    expect(await messageOf("--config", join(folder, "no.json"))).toMatch(/no\.json" does not exist/);
    expect(await messageOf("--config", put("tz.yaml", ""))).toMatch(/must end in \.json, \.mjs/);
    expect(await messageOf("--config", put("a.mjs", "export const a = 1;"))).toMatch(/nothing by default/);
    expect(await messageOf("--config", put("b.mjs", "throw new Error('two\\nlines')"))).toMatch(
      /b\.mjs" failed: two lines/,
    );
    mkdirSync(join(folder, "dir.json"));
    expect(await messageOf("--config", join(folder, "dir.json"))).toMatch(/is a directory/);
  });

  test("what cannot stand together", async () => {
    const file = put("tz.json", { mounts: [{ root }] });
    expect(await messageOf("--config", file, folder)).toMatch(/has "mounts", so there can be no DIR/);
    expect(await messageOf("--config", file, "--spa")).toMatch(/options for the files belong into them/);
  });
});

test("a long list where none may be is told in one line", async () => {
  const message = await messageOf(
    "--config",
    put("list.json", { nonsense: Array.from({ length: 20 }, () => null) }),
  );
  expect(message).toContain('unknown key "nonsense"');
});
