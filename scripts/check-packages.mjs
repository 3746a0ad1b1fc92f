// Checks every package as npm would get it: packs it, looks into the tarball, runs publint and
// are-the-types-wrong on it. One line a check; exit code 1 when one failed.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { packAll } from "./workspace/pack.mjs";
import { readJson, root } from "./workspace/root.mjs";
import { tarballFiles } from "./workspace/tarball.mjs";
import { userEnvironment } from "./workspace/user-environment.mjs";

const work = mkdtempSync(join(tmpdir(), "tz-packages-"));
const tool = (name) => join(root, "node_modules/.bin", name);
/** By package, oldest first: what all JavaScript of its `dist` may weigh, and why it may. The last one holds. */
const budgets = readJson(join(root, "scripts/size-budgets.json"));
const checks = [
  hasWhatItNeeds,
  hasNothingElse,
  isWithinBudget,
  namesWhatIsThere,
  publintIsClean,
  typesResolve,
  isRefusedToNpm,
  hasLicencesOfOthers,
];
/** Bundles with packages of others in them: where their licences are, and whose imports have to be named. */
const bundles = {
  "tz-static": { notices: "dist/THIRD-PARTY-NOTICES.txt", sources: "src" },
  "tz-cloudterm": { notices: "dist/web/THIRD-PARTY-NOTICES.txt", sources: "web" },
};

let failed = 0;
try {
  const items = packAll(work);
  // Two at a time: nearly all of it is waiting for tools.
  await Promise.all([checkInTurn(items), checkInTurn(items)]);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exit(failed > 0 ? 1 : 0);

async function checkInTurn(items) {
  for (let item = items.shift(); item !== undefined; item = items.shift()) {
    const files = tarballFiles(readFileSync(item.tarball));
    const packed = JSON.parse(files.find(({ name }) => name === "package.json").content);
    for (const check of checks) {
      const why = await check({ ...item, files, packed });
      console.log(`${why ? "FAIL" : "ok"} ${item.name}: ${check.name}${why ? `\n${indent(why)}` : ""}`);
      if (why) failed++;
    }
  }
}

/** Runs a tool; returns what it printed when it failed. */
async function failureOf(command, args) {
  try {
    await promisify(execFile)(command, args, { cwd: root, maxBuffer: 2 ** 26 });
    return undefined;
  } catch ({ message, stdout = "", stderr = "" }) {
    return `${stdout}${stderr}`.trim() || message;
  }
}

function hasWhatItNeeds({ files }) {
  const names = files.map(({ name }) => name);
  const absent = ["package.json", "README.md", "LICENSE"].filter((name) => !names.includes(name));
  if (!names.some((name) => /^dist\/.*\.js$/.test(name))) absent.push("dist/*.js");
  return absent.length > 0 ? `lacks ${absent.join(", ")}` : undefined;
}

function hasNothingElse({ files }) {
  const unwanted = files
    .map(({ name }) => name)
    // A template is for the user's project, tests included.
    .filter((name) => !name.startsWith("template/"))
    .filter((name) =>
      /\.(test|conformance|fixture|bench)\.|(^|\/)(node_modules|corpus|coverage)\/|\.tgz$|(^|\/)\./.test(
        name,
      ),
    );
  return unwanted.length > 0 ? `carries ${unwanted.join(", ")}` : undefined;
}

/** The sum of the files as gzip makes them, each alone: what a bundle or a cold start has to load, about. */
function isWithinBudget({ name, files }) {
  const kib =
    files
      .filter((file) => /^dist\/.*\.js$/.test(file.name))
      .reduce((sum, { content }) => sum + gzipSync(content, { level: 9 }).byteLength, 0) / 1024;
  const budget = budgets[name]?.at(-1)?.kib;
  const say = "say how much and why in scripts/size-budgets.json";
  if (budget === undefined) return `weighs ${kib.toFixed(1)} KiB (gzip) and has no budget; ${say}`;
  return kib > budget
    ? `weighs ${kib.toFixed(1)} KiB (gzip), its budget is ${budget}; make it smaller, or ${say}`
    : undefined;
}

/** Every file that the packed manifest names is in the tarball, and no dependency is left on the workspace. */
function namesWhatIsThere({ files, packed }) {
  const names = new Set(files.map(({ name }) => name));
  const named = [...pathsIn(packed.exports), ...pathsIn(packed.bin), ...pathsIn(packed.types)];
  // The source condition is for this workspace; the sources are shipped for debuggers, so it resolves too.
  const absent = named.map((path) => path.replace(/^\.\//, "")).filter((path) => !names.has(path));
  if (absent.length > 0) return `names but lacks ${absent.join(", ")}`;
  const local = Object.entries({
    ...packed.dependencies,
    ...packed.optionalDependencies,
    ...packed.peerDependencies,
  })
    .filter(([, version]) => /^(workspace|catalog|file|link):/.test(version))
    .map(([name, version]) => `${name}@${version}`);
  return local.length > 0 ? `depends on ${local.join(", ")}` : undefined;
}

function pathsIn(value) {
  if (typeof value === "string") return [value];
  return value && typeof value === "object" ? Object.values(value).flatMap(pathsIn) : [];
}

function publintIsClean({ tarball }) {
  return failureOf(tool("publint"), ["run", "--strict", tarball]);
}

function typesResolve({ tarball, packed }) {
  if (!packed.exports?.["."]) return undefined; // A command without an API has no types.
  return failureOf(tool("attw"), [relative(root, tarball), "--profile", "esm-only"]);
}

/** `npm pack` would leave `workspace:^` in the manifest: it is refused, and what is packed knows nothing of that. */
async function isRefusedToNpm({ folder, packed }) {
  if (packed.scripts?.prepack !== undefined) return "carries the script prepack";
  const run = promisify(execFile)("npm", ["pack", "--dry-run"], { cwd: folder, env: userEnvironment() });
  const { stderr } = await run.catch((error) => error);
  return stderr.includes("npm run pack -- --into DIR") ? undefined : `npm pack is not refused: ${stderr}`;
}

/** What the sources of a bundle import is in it; what that imports in turn is found by the build in the same way. */
function hasLicencesOfOthers({ name, folder, files }) {
  const bundle = bundles[name];
  if (!bundle) return undefined;
  const notices = files.find((file) => file.name === bundle.notices)?.content;
  if (notices === undefined) return `lacks ${bundle.notices}`;
  const sources = join(folder, bundle.sources);
  const code = readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.(test|fixture|setup)\./.test(file))
    .map((file) => readFileSync(join(sources, file), "utf8"))
    .join("\n");
  const imported = new Set(
    [
      ...code.matchAll(
        /^(?:import|export) (?!type)(?:[^";=]*? from )?"((?:@[\w-]+\/)?[a-z][\w.-]*)[^"\n]*";$/gm,
      ),
    ].map(([, each]) => each),
  );
  const others = [...imported].filter((each) => !/^(@tz\/|node:|node$|koffi$|sharp$)/.test(each));
  const absent = others.filter((each) => !new RegExp(`^${each} \\d`, "m").test(notices));
  if (others.length === 0) return "no import of others was found: the check looks in the wrong place";
  return absent.length > 0 ? `${bundle.notices} does not name ${absent.join(", ")}` : undefined;
}

function indent(text) {
  return text.replace(/^/gm, "    ");
}
