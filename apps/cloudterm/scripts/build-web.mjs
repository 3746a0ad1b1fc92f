// Bundles what the browser gets: node scripts/build-web.mjs OUTDIR
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { thirdPartyNotices } from "../../../scripts/workspace/third-party-notices.mjs";

const web = fileURLToPath(new URL("../web", import.meta.url));

/** Everything from here, nothing from elsewhere: index.html, one script, one style sheet, and the licences of what is in them. */
export async function buildWeb(outdir) {
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  const { metafile } = await build({
    entryPoints: [join(web, "app.ts"), join(web, "style.css")],
    outdir,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    // Not all packages have such comments: the file below has the licence of each.
    legalComments: "none",
    metafile: true,
    loader: { ".svg": "file", ".woff2": "file", ".wasm": "file" },
    logLevel: "warning",
  });
  await writeFile(join(outdir, "THIRD-PARTY-NOTICES.txt"), thirdPartyNotices(Object.keys(metafile.inputs)));
  await cp(join(web, "index.html"), join(outdir, "index.html"));
  await cp(join(web, "icon.svg"), join(outdir, "icon.svg"));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildWeb(resolve(process.argv[2] ?? "dist/web"));
