// A release as files: versions and changelogs from the changesets, build, checks, a commit with its tags, and in DIR
// the tarballs and `release.bundle` (commit and tags). Nothing is published or pushed: scripts/publish.mjs and git do.
// `npm run release -- --into DIR`; `--dry-run` does it on a copy of what git has and of its changes, shows what would
// change, and throws it away.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { packAll } from "./workspace/pack.mjs";
import { root } from "./workspace/root.mjs";

const { values } = parseArgs({
  options: { "dry-run": { type: "boolean", default: false }, into: { type: "string" } },
});
const isDry = values["dry-run"];
// npm runs scripts in the workspace folder; DIR is meant from where the user called.
const into = values.into && resolve(process.env.INIT_CWD ?? ".", values.into);
const git = (args, cwd = root) => execFileSync("git", args, { cwd, encoding: "utf8" }).trim();

class ReleaseFailed extends Error {}

const folder = isDry ? mkdtempSync(join(tmpdir(), "tz-release-")) : root;
try {
  if (!isDry && git(["status", "--porcelain"]) !== "") fail("there are changes that are not committed");
  if (!isDry && !into)
    fail("--into names the folder for the tarballs; --dry-run only shows what would change");
  if (isDry) {
    git(["worktree", "add", "--detach", "--quiet", folder, withChanges()]);
    step("install", ["scripts/install.mjs"]);
  }
  const changesets = git(["ls-files", ".changeset/*.md", ":!.changeset/README.md"], folder);
  if (changesets === "" && !isDry) fail("no changeset: nothing to release");
  // No program is built with its version in it: what was built before counts, and a copy finds it in turbo's cache.
  step("build", ["scripts/build.mjs"]);
  if (changesets === "") console.log("\n=== version\nno changeset: versions stay what they are");
  else step("version", ["node_modules/@changesets/cli/bin.js", "version"]);
  step("packages", ["scripts/check-packages.mjs"]);
  step("installed packages", ["scripts/check-installed.mjs"]);
  git(["add", "--all"], folder);
  console.log(`\n=== what changes\n${git(["diff", "--cached", "--stat"], folder)}`);
  console.log(`\n${git(["diff", "--cached", "-U0", "--", "*.json"], folder)}`);
  console.log(`\n=== what is published\n${published().join("\n")}`);
  if (isDry) {
    console.log("\ndry run: nothing was published, nothing changed");
  } else {
    const before = git(["rev-parse", "HEAD"]);
    git(["commit", "--quiet", "--message", "Release"]);
    for (const tag of published()) git(["tag", tag]);
    packAll(into);
    git([
      "bundle",
      "create",
      "--quiet",
      join(into, "release.bundle"),
      `${before}..HEAD`,
      "HEAD",
      ...published(),
    ]);
    console.log(`\n${into} has the tarballs and release.bundle; nothing was published or pushed`);
  }
} catch (error) {
  if (!(error instanceof ReleaseFailed)) throw error;
  console.error(`release: ${error.message}`);
  process.exitCode = 1;
} finally {
  if (isDry) {
    spawnSync("git", ["worktree", "remove", "--force", folder], { cwd: root });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The last commit, or one that has the changes of tracked files too; nothing refers to it. */
function withChanges() {
  const nobody = ["-c", "user.name=release", "-c", "user.email=release@users.noreply.github.com"];
  return git([...nobody, "stash", "create"]) || "HEAD";
}

function published() {
  return git(["ls-files", "packages/*/package.json", "apps/*/package.json"], folder)
    .split("\n")
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")))
    .filter((manifest) => !manifest.private)
    .map(({ name, version }) => `${name}@${version}`);
}

function step(name, args) {
  console.log(`\n=== ${name}`);
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd: folder, stdio: "inherit" });
  if (status !== 0) fail(`${name} failed`);
  console.log(`--- ${name}: ${Math.round((performance.now() - start) / 1000)} s`);
}

/** Ends with one line, after what was made for the dry run is taken away. */
function fail(why) {
  throw new ReleaseFailed(why);
}
