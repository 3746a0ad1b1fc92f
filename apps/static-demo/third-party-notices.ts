import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Writes the licences of the packages in a bundle, as they ask for, and takes esbuild's list of inputs away. */
export function writeThirdPartyNotices(dist: string): void {
  const metafile = join(dist, "metafile-esm.json");
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: Record<string, unknown> };
  const folders = new Set<string>();
  for (const input of Object.keys(inputs)) {
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
  if (texts.length === 0) throw new Error(`${metafile} names no package of others: the bundle has changed`);
  writeFileSync(join(dist, "THIRD-PARTY-NOTICES.txt"), texts.sort().join(`\n${"-".repeat(80)}\n\n`));
  rmSync(metafile);
}

function isPackage(folder: string): boolean {
  const manifest = join(folder, "package.json");
  return existsSync(manifest) && manifestOf(folder).version !== undefined;
}

function manifestOf(folder: string): { name: string; version?: string; license?: string } {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
