// Gives npm the tarballs that `npm run release -- --into DIR` made: `node scripts/publish.mjs DIR [--first]`.
// Needs only Node and npm: no dependency is installed where the right to publish is.
// `--first`: from a person's machine, without provenance, for packages that npm does not know yet.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: { first: { type: "boolean", default: false } },
  allowPositionals: true,
});
if (positionals.length !== 1) refuse("one DIR, that `npm run release -- --into DIR` made");
if (!values.first && !process.env.GITHUB_ACTIONS)
  refuse("packages that npm knows are published by the release workflow; here only --first");

const folder = resolve(positionals[0]);
const tarballs = Object.entries(JSON.parse(readFileSync(join(folder, "packages.json"), "utf8")));
for (const [name, file] of tarballs) {
  const version = /-(\d+\.\d+\.\d+.*)\.tgz$/.exec(file)[1];
  // A run that broke off goes on where it stopped.
  const known = npm(["view", `${name}@${version}`, "version"], "pipe");
  if (known.status === 0 && known.stdout.trim() === version) {
    console.log(`${name}@${version} is there already`);
    continue;
  }
  const provenance = values.first ? "--no-provenance" : "--provenance";
  if (npm(["publish", join(folder, file), "--access", "public", provenance], "inherit").status !== 0) {
    refuse(`npm did not take ${name}@${version}; the ones before it are published: run it again`);
  }
  console.log(`${name}@${version} is published`);
}

function npm(args, stdio) {
  return spawnSync("npm", args, { encoding: "utf8", stdio: ["inherit", stdio, stdio] });
}

function refuse(why) {
  console.error(`publish: ${why}`);
  process.exit(1);
}
