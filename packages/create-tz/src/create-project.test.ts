import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createProject } from "./create-project.js";
import { UsageError } from "./usage-error.js";

const template = fileURLToPath(new URL("../template", import.meta.url));
const workspace = readFileSync(new URL("../../../pnpm-workspace.yaml", import.meta.url), "utf8");

function place(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "create-tz-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const create = (folder: string) => createProject({ folder, template, version: "1.2.3" });
const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

test("a project is made with the folder's name and one version of tz", () => {
  const folder = join(place(), "my-site");
  const made = create(folder);
  expect(made).toEqual([".gitignore", "README.md", "package.json", "public", "src", "tsconfig.json"]);
  const { name, dependencies } = manifestOf(folder);
  expect(name).toBe("my-site");
  expect(dependencies).toEqual({ "@tz/server": "^1.2.3", "@tz/static": "^1.2.3" });
});

test("a project takes the tarballs of a clone, and so do the packages that need each other", () => {
  const at = place();
  const packages = join(at, "packed");
  mkdirSync(join(packages, "@tz"), { recursive: true });
  const files = Object.fromEntries(
    ["server", "static", "sys"].map((name) => [`@tz/${name}`, `@tz/${name}-1.2.3.tgz`]),
  );
  for (const file of Object.values(files)) writeFileSync(join(packages, file), "");
  const folder = join(at, "my-site");
  const made = () => createProject({ folder, template, version: "1.2.3", packages });
  expect(made).toThrow(/--packages ".*packed" has no packages\.json/);
  writeFileSync(
    join(packages, "packages.json"),
    JSON.stringify({ ...files, "tz-static": "tz-static-1.2.3.tgz" }),
  );
  expect(made()).toContain("package.json");
  const at1 = (name: string) => `file:${join(packages, "@tz", `${name}-1.2.3.tgz`)}`;
  const { dependencies, overrides } = manifestOf(folder);
  expect(dependencies).toEqual({ "@tz/server": at1("server"), "@tz/static": at1("static") });
  expect(overrides).toEqual({ ...dependencies, "@tz/sys": at1("sys") });
  rmSync(join(packages, "@tz/sys-1.2.3.tgz"));
  expect(() => createProject({ folder: join(at, "other"), template, version: "1.2.3", packages })).toThrow(
    /lacks @tz\/sys; make it again/,
  );
});

test("an empty folder and the clone of an empty repository are taken", () => {
  const folder = join(place(), "site");
  mkdirSync(join(folder, ".git"), { recursive: true });
  expect(create(folder)).toContain("package.json");
});

test("a folder with something in it is left alone", () => {
  const folder = join(place(), "site");
  mkdirSync(folder);
  writeFileSync(join(folder, "mine.txt"), "mine");
  expect(() => create(folder)).toThrow(UsageError);
  expect(() => create(folder)).toThrow(/site" is not empty \(mine\.txt, …\)/);
  expect(() => create(join(folder, "mine.txt"))).toThrow(/is a file; give a folder/);
});

test.each(["My Site", "Site", "_site", "ä", "a b"])("%j is no name of a package", (name) => {
  expect(() => create(join(place(), name))).toThrow(/must begin with a small letter or a digit/);
});

test("what the template asks for is what this workspace is tested with", () => {
  const { devDependencies } = manifestOf(template);
  for (const [name, range] of Object.entries<string>(devDependencies)) {
    const tested = new RegExp(`^ {2}"?${name}"?: (\\d+)\\.(\\d+)`, "m").exec(workspace)!;
    const [, major, minor] = /^\^(\d+)\.(\d+)\./.exec(range)!;
    expect(tested[1], name).toBe(major);
    expect(Number(tested[2]), name).toBeGreaterThanOrEqual(Number(minor));
  }
});
