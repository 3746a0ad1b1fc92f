import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { thirdPartyNotices } from "../../scripts/workspace/third-party-notices.mjs";

/** Writes the licences of the packages in a bundle, and takes esbuild's list of inputs away. */
export function writeThirdPartyNotices(dist: string): void {
  const metafile = join(dist, "metafile-esm.json");
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: Record<string, unknown> };
  writeFileSync(join(dist, "THIRD-PARTY-NOTICES.txt"), thirdPartyNotices(Object.keys(inputs)));
  rmSync(metafile);
}
