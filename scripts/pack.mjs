// Makes every published package a tarball that npm installs: `npm run pack -- --into DIR [NAME…]`.
// Installs and builds what is missing first; needs only Node and npm. What it prints is for a project of yours.
import { mkdirSync, readdirSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./workspace/build.mjs";
import { install } from "./workspace/install.mjs";
import { alone } from "./workspace/lock.mjs";
import { listName, packAll, packedWithNeeds } from "./workspace/pack.mjs";
import { builtPackages } from "./workspace/packages.mjs";
import { stage } from "./workspace/stage.mjs";

const { values, positionals: names } = parsed();
const published = [...builtPackages().values()].filter(({ manifest }) => !manifest.private);
const unknown = names.filter((name) => !published.some((each) => each.name === name));
if (unknown.length > 0)
  refuse(`no package ${unknown.join(", ")}; there are ${published.map(({ name }) => name).join(", ")}`);
if (!values.into) refuse("--into names the folder of the tarballs");

// npm runs scripts in the workspace folder; DIR is meant from where the user called.
const wanted = resolve(process.env.INIT_CWD ?? ".", values.into);
mkdirSync(wanted, { recursive: true });
const folder = realpathSync(wanted);
const others = readdirSync(folder).filter((name) => !/^@tz$|\.tgz$/.test(name) && name !== listName);
if (others.length > 0)
  refuse(`--into ${values.into} holds other files (${others[0]}, …); give another folder`);

await stage(() =>
  alone(async () => {
    await install();
    await build();
  }),
);
const packed = packAll(folder);
const line = packedWithNeeds(packed, names.length > 0 ? names : packed.map(({ name }) => name))
  .map(({ tarball }) => quoted(tarball))
  .join(" ");
const starter = packed.find(({ name }) => name === "create-tz").tarball;
console.log(`
${packed.length} packages are in ${folder}. ${names.length > 0 ? `${names.join(", ")} and what they need` : "All of them"}, in a project of yours:

  npm install ${line}

A new project with an API and a site:

  npm exec --yes --package=${quoted(starter)} -- create-tz my-site --packages ${quoted(folder)}
`);

function parsed() {
  try {
    return parseArgs({ options: { into: { type: "string" } }, allowPositionals: true });
  } catch (error) {
    return refuse(error.message);
  }
}

function refuse(why) {
  console.error(`pack: ${why}\nUsage: npm run pack -- --into DIR [NAME…]`);
  process.exit(2);
}

/** As a shell takes it for one word. */
function quoted(path) {
  return /^[\w@/.,:+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
