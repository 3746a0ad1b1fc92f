// A release: versions and changelogs from the changesets, build, checks, publication with provenance.
// `--dry-run` does all but the publication, on a copy of what git has and of its changes, and shows what would change.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./workspace/root.mjs";

const { values } = parseArgs({ options: { "dry-run": { type: "boolean", default: false } } });
const isDry = values["dry-run"];
const git = (args, cwd = root) => execFileSync("git", args, { cwd, encoding: "utf8" }).trim();

class ReleaseFailed extends Error {}

const folder = isDry ? mkdtempSync(join(tmpdir(), "tz-release-")) : root;
try {
  if (!isDry && git(["status", "--porcelain"]) !== "") fail("there are changes that are not committed");
  if (!isDry && !process.env.GITHUB_ACTIONS)
    fail("a release is made by the release workflow; here only --dry-run");
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
    // Before the publication: that is what its tags are to name.
    git(["commit", "--quiet", "--message", "Release"]);
    publish();
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

/** `changeset publish` calls pnpm by its name, which npx puts on the path. */
function publish() {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  step("publish", ["--yes", packageManager, "exec", "changeset", "publish"], "npx");
}

function step(name, args, command = process.execPath) {
  console.log(`\n=== ${name}`);
  const start = performance.now();
  const { status } = spawnSync(command, args, {
    cwd: folder,
    stdio: "inherit",
    env: { ...process.env, NPM_CONFIG_PROVENANCE: "true" },
  });
  if (status !== 0) fail(`${name} failed`);
  console.log(`--- ${name}: ${Math.round((performance.now() - start) / 1000)} s`);
}

/** Ends with one line, after what was made for the dry run is taken away. */
function fail(why) {
  throw new ReleaseFailed(why);
}
