import { expect, test } from "vitest";
import { resolveImageOptions } from "./options.js";
import { nameOf, sourceFormatOf, variantFor, widthOf } from "./variant.js";

const options = resolveImageOptions({ cacheDir: "x", widths: [320, 640] });
const CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

test.each([
  ["a browser", CHROME, "avif"],
  ["WebP only", "image/webp,*/*", "webp"],
  ["a wildcard names no format", "*/*", undefined],
  ["a wildcard of images neither", "image/*", undefined],
  ["nothing said", undefined, undefined],
  ["q=0", "image/avif;q=0,image/webp", "webp"],
  ["both q=0", "image/avif;q=0,image/webp;q=0,*/*", undefined],
  ["the client's weight", "image/avif;q=0.5,image/webp;q=0.9,image/jpeg;q=0.1", "webp"],
  ["the source weighs more", "image/avif;q=0.5,image/jpeg", undefined],
  ["the same weight", "image/jpeg,image/webp,image/avif", "avif"],
  ["capitals", "IMAGE/WEBP", "webp"],
  ["JPEG not wanted", "image/webp;q=0.1,image/jpeg;q=0", "webp"],
  ["another type with such a name", "image/avif-sequence", undefined],
])("Accept: %s", (_name, accept, format) => {
  expect(variantFor("jpeg", accept, undefined, options)?.format).toBe(format);
});

test("a width without a better format keeps the format; a source is not converted to itself", () => {
  expect(variantFor("png", "*/*", 320, options)).toEqual({ format: "png", width: 320 });
  expect(variantFor("webp", "image/webp", undefined, options)).toBeUndefined();
  expect(variantFor("avif", CHROME, undefined, options)).toBeUndefined();
  const webp = resolveImageOptions({ cacheDir: "x", formats: ["webp", "avif"] });
  expect(variantFor("png", CHROME, undefined, webp)).toEqual({ format: "webp", width: undefined });
});

test.each([
  ["/a.jpg", undefined],
  ["/a.jpg?", undefined],
  ["/a.jpg?v=1", undefined],
  ["/a.jpg?w=320", 320],
  ["/a.jpg?v=1&w=640", 640],
  ["/a.jpg?w=321", "invalid"],
  ["/a.jpg?w=0320", "invalid"],
  ["/a.jpg?w=320.0", "invalid"],
  ["/a.jpg?w=3e2", "invalid"],
  ["/a.jpg?w=-320", "invalid"],
  ["/a.jpg?w", "invalid"],
  ["/a.jpg?w=", "invalid"],
  ["/a.jpg?w=%33%32%30", "invalid"],
  ["/a.jpg?w=320&w=640", "invalid"],
])("the width of %s is %s", (target, width) => {
  expect(widthOf(target, options.widths)).toBe(width);
});

test("names hold all that a form is made of, and nothing that a path could be made of", () => {
  const names = [
    nameOf("a.jpg", "1", { format: "avif", width: undefined }, options),
    nameOf("b.jpg", "1", { format: "avif", width: undefined }, options),
    nameOf("a.jpg", "2", { format: "avif", width: undefined }, options),
    nameOf("a.jpg", "1", { format: "webp", width: undefined }, options),
    nameOf("a.jpg", "1", { format: "avif", width: 320 }, options),
    nameOf("a.jpg", "1", { format: "avif", width: undefined }, { ...options, avifQuality: 51 }),
  ];
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9][\w-]{42}\.(avif|webp)$/);
});

test("what is an image", () => {
  for (const name of ["/a.JPG", "a/b.jpeg", "x.png", "x.webp", "x.avif"])
    expect(sourceFormatOf(name)).toBeDefined();
  for (const name of ["/a.svg", "a.gif", "png", "/a.jpg/x", ".png.txt"])
    expect(sourceFormatOf(name)).toBeUndefined();
});
