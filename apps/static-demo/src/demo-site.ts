import { fileURLToPath } from "node:url";
import { type StaticMount, staticMount } from "@tz/static";

// The same path from `src` and from `dist`: the folder ships in the package as it is.
const web = (name: string) => fileURLToPath(new URL(`../web/${name}`, import.meta.url));

/**
 * The site without DIR: a start page and four mounts, each as its kind of files wants to be served.
 */
export function demoSite(): StaticMount[] {
  return [
    staticMount("/", web("start")),
    // Names without a hash: a copy is kept, and asked for again by its tag each time.
    staticMount("/static", web("static"), { cacheControl: "no-cache" }),
    // Known by date: browsers that hold a part of a clip ask for another part with If-Range, which a weak tag never
    // satisfies (RFC 9110 §13.1.5), so the whole clip would come again.
    staticMount("/media", web("media"), { cacheControl: "public, max-age=3600", etag: false }),
    // A changed file gets a new name, so a copy is good for ever.
    staticMount("/cdn", web("cdn"), { cacheControl: "public, max-age=31536000, immutable" }),
    staticMount("/files", web("files"), { cacheControl: "no-cache", listing: true }),
  ];
}
