import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCli } from "../cli.fixture.js";

const folder = mkdtempSync(join(tmpdir(), "tz-config-e2e-"));
const put = (name: string, content: string): string => {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
put("site/index.html", "<!doctype html><p>site");
put("media/a.txt", "media\n");

test("each mount answers with its own options", async () => {
  const config = put(
    "tz.mjs",
    `/** @type {import("tz-static/config").ConfigFile} */
export default {
  port: 0,
  mounts: [
    { root: "site", spaFallback: true },
    { prefix: "/media", root: "media", maxAge: 60, headers: (path) => ({ "X-Path": path }) },
  ],
};
`,
  );
  const { url } = await startCli(["--config", config], { cwd: tmpdir() }).ready();
  const media = await fetch(`${url}media/a.txt`);
  expect(await media.text()).toBe("media\n");
  expect(media.headers.get("cache-control")).toBe("public, max-age=60");
  expect(media.headers.get("x-path")).toBe("a.txt");
  const deep = await fetch(`${url}deep/link`, { headers: { Accept: "text/html" } });
  expect(await deep.text()).toContain("<p>site");
  const none = await fetch(`${url}media/none`, { headers: { Accept: "text/html" } });
  expect(none.status).toBe(404);
});

test("TypeScript, or what to do where this Node cannot read it", async () => {
  const config = put(
    "tz.config.ts",
    "const port: number = 0;\nexport default { port, root: 'site' } satisfies object;\n",
  );
  const cli = startCli(["--config", config]);
  const isRead =
    process.env.TZ_TEST_BUILT !== "1" ||
    (process.features as { typescript?: unknown }).typescript !== undefined;
  if (isRead) {
    const { url } = await cli.ready();
    expect(await (await fetch(url)).text()).toContain("<p>site");
  } else {
    expect(await cli.exit).toMatchObject({ code: 2 });
    expect(cli.stderr).toMatch(/^tz-static: .*needs Node 22\.18 or later.*\.mjs or \.json\n$/);
  }
});

test.each([
  [{ root: "site", maxAge: -1 }, /tz\.json": option "maxAge" must be an integer from 0 .*got -1/],
  [{ mounts: [{ root: "site" }, { root: "media" }] }, /mounts\[1\]: another mount has the prefix "\/"/],
  [{ mounts: [{ root: "site", cache: { size: 1 } }] }, /mounts\[0\]: unknown option "cache\.size" \(1\)/],
  [{ root: "site", prefix: "/a/" }, /tz\.json": prefix must be .*got "\/a\/"/],
  [{ root: "site", manifest: "none.json" }, /option "manifest": "[^"]*none\.json" does not exist/],
])("refused by the mount: %j", async (content, message) => {
  const cli = startCli(["--config", put("tz.json", JSON.stringify(content))]);
  expect(await cli.exit).toEqual({ code: 2, signal: null });
  expect(cli.stdout).toBe("");
  expect(cli.stderr).toMatch(/^tz-static: [^\n]+\n$/);
  expect(cli.stderr).toMatch(message);
});
