// Makes web/media/ranges.webm and its poster. Run by hand when the picture changes:
//   node apps/static-demo/scripts/render-clip.mjs        (needs Debian's chromium)
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { webm } from "./webm-writer.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" });
try {
  const page = await browser.newPage({ viewport: { width: 960, height: 540 } });
  // WebCodecs exist in secure contexts only; a file:// page is not one, an intercepted https:// page is.
  await page.route("https://clip.example/", (route) =>
    route.fulfill({ contentType: "text/html", body: "<!doctype html>" }),
  );
  await page.goto("https://clip.example/");
  await page.addScriptTag({ path: here("clip-page.js") });
  const movie = await page.evaluate(() => globalThis.renderClip());
  const frames = movie.frames.map((frame) => ({ ...frame, bytes: Buffer.from(frame.bytes) }));
  const file = webm({ ...movie, opusHead: Buffer.from(movie.opusHead), frames });
  writeFileSync(here("../web/media/ranges.webm"), file);
  const poster = Buffer.from(await page.evaluate(() => globalThis.renderPoster(7.75)));
  writeFileSync(here("../web/media/ranges.webp"), poster);
  console.log(`ranges.webp: ${poster.length} bytes`);
  console.log(`ranges.webm: ${file.length} bytes, ${frames.length} frames`);
} finally {
  await browser.close();
}
