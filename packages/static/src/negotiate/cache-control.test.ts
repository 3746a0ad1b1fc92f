import { expect, test } from "vitest";
import { resolveOptions } from "../options.js";
import { cacheControlOf, isHashedName } from "./cache-control.js";

test.each([
  "app.3f2a9c1b.js",
  "assets/index-0a1b2c3d4e5f.css",
  "chunk_deadbeef01.js",
  "main.d41d8cd98f00b204e9800998ecf8427e.js",
  "index-BX3k9_aZ.js",
  "logo-D4x_Q2bb.svg",
  "vendor-5fK2mQ8z.js",
  "_next/static/chunks/main-app-3f2a9c1b7d6e5f40.js",
  "assets/index-DDBZmgfu.css",
  "/app/assets/js/later-bXyQQzKd.js",
  "main-5YNTSH4E.js",
  "chunk-D6M7QYQG.js.map",
])("%s carries a hash", (name) => {
  expect(isHashedName(name)).toBe(true);
});

test.each([
  "app.js",
  "report-20240131.pdf",
  "IMG_12345678.jpg",
  "jquery-3.7.1.min.js",
  "some-settings.js",
  "facade-defaced.css",
  "index-Settings.js",
  "photo-IMG23456.jpg",
  "plan-2345PLAN.pdf",
  "scan-DOCUMENT.pdf",
  "main-5YNTSH4EX.js",
  "main-5YNTSH1E.js",
  "index-DDBZmgfu.css",
  "assets/chart-FontData.js",
  "assets/chart-Settings.js",
  "assets/page-settings.js",
  "assets/a-DDBZmgfuX.css",
  "3f2a9c1b/app.js",
  "photo.3f2a9c1b",
  "book-Chapter1.html",
  "book-Chapter1.pdf",
  "x-Version2.zip",
  "holiday-Photo001.jpg",
  "case-iPhone14.png",
  "road-2024Plan.pdf",
  "setup-Windows7.exe",
  "assets/book-Chapter1.js",
  "assets/case-iPhone14.png",
  "app.3f2a9c1b.html",
  "index-BX3k9_aZ.htm",
])("%s does not", (name) => {
  expect(isHashedName(name)).toBe(false);
});

test("what is sent", () => {
  const of = (name: string, given = {}) => cacheControlOf(name, resolveOptions(given), undefined);
  expect(of("app.js")).toBe("public, max-age=0");
  expect(of("app.js", { maxAge: 60 })).toBe("public, max-age=60");
  expect(of("app.3f2a9c1b.js")).toBe("public, max-age=31536000, immutable");
  expect(of("app.3f2a9c1b.js", { immutable: false })).toBe("public, max-age=0");
  expect(of("app.3f2a9c1b.js", { cacheControl: "no-store" })).toBe("no-store");
  expect(of("app.js", { cacheControl: false })).toBeUndefined();
});
