import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * The licences of the packages that a bundle is made of, as they ask for.
 * @param inputs the files that went into it, as esbuild's list has them
 * @throws Error when there is no package of others among them: then the list is not that of the bundle
 */
export function thirdPartyNotices(inputs) {
  const folders = new Set();
  for (const input of inputs) {
    if (!input.includes("node_modules/")) continue;
    let folder = dirname(resolve(input));
    // The manifest of the package, not one that only says what kind of modules a folder has.
    while (!isPackage(folder)) folder = dirname(folder);
    folders.add(folder);
  }
  const texts = [...folders].map((folder) => {
    const { name, version, license } = manifestOf(folder);
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), "utf8").trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  if (texts.length === 0) throw new Error("the bundle has no package of others: it has changed");
  return texts.sort().join(`\n${"-".repeat(80)}\n\n`);
}

function isPackage(folder) {
  return existsSync(join(folder, "package.json")) && manifestOf(folder).version !== undefined;
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
