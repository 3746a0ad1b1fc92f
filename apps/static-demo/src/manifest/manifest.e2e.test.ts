import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "@tz/static";
import { beforeEach, expect, test } from "vitest";
import { startCli } from "../cli.fixture.js";
import { makeManifest } from "./make-manifest.js";

let folder: string;
const put = (name: string, content: string): void => {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
};
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const APP = "export const app = 1;\n";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tz-manifest-"));
  put("index.html", '<!doctype html><script type="module" src="/assets/app.js"></script>');
  put("assets/app.js", APP);
  put("assets/app.js.gz", "packed");
  put("alone.tar.gz", "alone");
  put("robots.txt", "User-agent: *\n");
  put(".well-known/security.txt", "Contact: mailto:a@b.example\n");
  put(".env", "SECRET");
});

test("every file that is served, its hash, its name, what it preloads", async () => {
  const { manifest, ...counts } = await makeManifest(folder, { prefix: "/", names: true });
  expect(Object.keys(manifest.files)).toEqual([
    ".well-known/security.txt",
    "alone.tar.gz",
    "assets/app.js",
    "index.html",
    "robots.txt",
  ]);
  const hash = sha256(APP);
  expect(manifest.files["assets/app.js"]).toEqual({ hash, name: `assets/app.${hash.slice(0, 10)}.js` });
  expect(manifest.files["index.html"]?.preload).toEqual(["</assets/app.js>; rel=modulepreload"]);
  expect(manifest.files["robots.txt"]).not.toHaveProperty("name");
  expect(counts).toEqual({ files: 5, names: 2, preloads: 1, failures: [] });
  const plain = await makeManifest(folder, { prefix: "/", names: false });
  expect(plain.names).toBe(0);
});

test("written by one command, served by another: names with a hash, Link, 103", async () => {
  const writer = startCli(["manifest", folder]);
  expect(await writer.exit, writer.stderr).toEqual({ code: 0, signal: null });
  const file = join(folder, ".manifest.json");
  expect(writer.stdout).toContain(`5 files: 2 names with a hash, 1 preloads; written to ${file}`);
  const { files } = JSON.parse(readFileSync(file, "utf8")) as Manifest;
  const name = files["assets/app.js"]?.name ?? "";

  const { url, port } = await startCli([folder, "--port", "0", "--manifest", file, "--early-hints"]).ready();
  const named = await fetch(url + name);
  expect(await named.text()).toBe(APP);
  expect(named.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(named.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  const plain = await fetch(`${url}assets/app.js`);
  expect(plain.headers.get("cache-control")).toBe("public, max-age=0");
  expect((await fetch(url)).headers.get("link")).toBe("</assets/app.js>; rel=modulepreload");
  expect((await fetch(`${url}.manifest.json`)).status).toBe(404);

  const answer = await new Promise<string>((done, fail) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () =>
      socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    );
    socket.on("data", (chunk) => (text += chunk));
    socket.on("error", fail);
    socket.on("close", () => done(text));
  });
  expect(answer).toMatch(
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/assets\/app\.js>; rel=modulepreload\r\n\r\nHTTP\/1\.1 200 /i,
  );

  // The name means that content and no other.
  put("assets/app.js", "export const app = 2;\n");
  await expect.poll(async () => (await fetch(url + name)).status, { timeout: 120_000 }).toBe(404);
  put("assets/app.js", APP);
  await expect.poll(async () => (await fetch(url + name)).status, { timeout: 120_000 }).toBe(200);
});

test("--out, --prefix, --no-names", async () => {
  put("index.html", '<!doctype html><script src="/x/assets/app.js"></script>');
  const cli = startCli(["manifest", folder, "--prefix", "/x", "--no-names", "--out", "-"]);
  expect(await cli.exit).toEqual({ code: 0, signal: null });
  const { files } = JSON.parse(cli.stdout) as Manifest;
  expect(files["index.html"]?.preload).toEqual(["</x/assets/app.js>; rel=preload; as=script"]);
  expect(files["assets/app.js"]).toEqual({ hash: sha256(APP) });
});

test.each([
  [["manifest"], /manifest: missing required argument 'DIR'/],
  [["manifest", "/no/such/folder"], /"\/no\/such\/folder" does not exist/],
  [["manifest", "/tmp", "--prefix", "x"], /--prefix.*'x'.*"\/assets"/],
  [["manifest", "/tmp", "--frob"], /unknown option '--frob'/],
])("%j is refused", async (args, message) => {
  const cli = startCli(args);
  expect(await cli.exit).toEqual({ code: 2, signal: null });
  expect(cli.stderr).toMatch(/^tz-static: [^\n]+\n$/);
  expect(cli.stderr).toMatch(message);
});
