// A release: versions and changelogs from the changesets, build, checks, publication with provenance.
// `--dry-run` does all but the publication, on a copy of the last commit, and shows what would change.
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
  if (git(["status", "--porcelain"]) !== "") fail("there are changes that are not committed");
  if (!isDry && !process.env.GITHUB_ACTIONS)
    fail("a release is made by the release workflow; here only --dry-run");
  if (isDry) {
    git(["worktree", "add", "--detach", "--quiet", folder, "HEAD"]);
    step("install", ["scripts/install.mjs"]);
  }
  const changesets = git(["ls-files", ".changeset/*.md", ":!.changeset/README.md"], folder);
  if (changesets === "") fail("no changeset: nothing to release");
  step("version", ["node_modules/@changesets/cli/bin.js", "version"]);
  step("install", ["scripts/install.mjs"]);
  step("build", ["scripts/build.mjs"]);
  step("packages", ["scripts/check-packages.mjs"]);
  step("installed packages", ["scripts/check-installed.mjs"]);
  console.log(
    `\n=== what changes\n${git(["add", "--all"], folder)}${git(["diff", "--cached", "--stat"], folder)}`,
  );
  console.log(`\n=== what is published\n${published().join("\n")}`);
  if (isDry) console.log("\ndry run: nothing was published, nothing changed");
  else step("publish", ["node_modules/@changesets/cli/bin.js", "publish"]);
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

function published() {
  return git(["ls-files", "packages/*/package.json", "apps/*/package.json"], folder)
    .split("\n")
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")))
    .filter((manifest) => !manifest.private)
    .map(({ name, version }) => `${name}@${version}`);
}

function step(name, args) {
  console.log(`\n=== ${name}`);
  const { status } = spawnSync(process.execPath, args, {
    cwd: folder,
    stdio: "inherit",
    env: { ...process.env, NPM_CONFIG_PROVENANCE: "true" },
  });
  if (status !== 0) fail(`${name} failed`);
}

/** Ends with one line, after what was made for the dry run is taken away. */
function fail(why) {
  throw new ReleaseFailed(why);
}
