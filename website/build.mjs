// Makes the site: `node website/build.mjs [--out website/dist] [--no-api]`.
// `--no-api` leaves the API reference out: quicker while you write.
import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildSite } from "./build-site.mjs";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(import.meta.dirname, "dist") },
    "no-api": { type: "boolean", default: false },
  },
});
// Below this folder, because VitePress looks for its modules from there. Two builds do not share one.
const source = mkdtempSync(join(import.meta.dirname, ".tz-"));
try {
  await buildSite({ source, out: resolve(values.out), api: !values["no-api"] });
} finally {
  rmSync(source, { recursive: true, force: true });
}
console.log(`${resolve(values.out)} is ready`);
