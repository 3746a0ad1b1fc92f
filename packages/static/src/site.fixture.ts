/** The directory tree that tests serve, with everything next to the root that must never be served. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import zlib from "node:zlib";

/** Tue, 14 Nov 2023 22:13:20 GMT */
export const MTIME_SECONDS = 1_700_000_000;
export const LAST_MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT";

export interface Site {
  /** The directory to serve. */
  readonly root: string;
  /** Its parent, which holds secrets. */
  readonly base: string;
  put(name: string, data: string | Uint8Array, mtimeSeconds?: number): string;
  remove(): void;
}

export function lines(count: number, seed: number): string {
  return Array.from(
    { length: count },
    (_, i) => `/* line ${i} ${((i * 2654435761 + seed) >>> 0).toString(36)} */ export const v${i} = ${i};\n`,
  ).join("");
}

/** Bytes that do not compress and differ at every offset. */
export function noise(byteLength: number): Buffer {
  const bytes = Buffer.alloc(byteLength);
  let x = 123_456_789;
  for (let i = 0; i < byteLength; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[i] = x & 255;
  }
  return bytes;
}

/** An empty root. */
export function emptySite(): Site {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), "tz-static-")));
  const root = path.join(base, "site");
  fs.mkdirSync(root);
  return {
    root,
    base,
    put(name, data, mtimeSeconds = MTIME_SECONDS) {
      const file = path.join(root, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, data);
      fs.utimesSync(file, mtimeSeconds, mtimeSeconds);
      return file;
    },
    remove: () => fs.rmSync(base, { recursive: true, force: true }),
  };
}

export function createSite(): Site {
  const site = emptySite();
  const { root, put } = site;
  put("index.html", "<!doctype html><title>home</title><p>INDEX</p>\n");
  put("hello.txt", "hello world\n");
  put("empty.txt", "");
  put("app.js", lines(400, 2));
  put("app.3f2a9c1b.js", lines(300, 3));
  put("tiny.js", "1\n");
  put("data.json", '{"a":1}\n');
  put("big.bin", noise(1 << 20));
  put("sp ace.txt", "space\n");
  put("ünï.txt", "unicode\n");
  put("a%20b.txt", "literal percent\n");
  put("plus+sign.txt", "plus\n");
  put("q?mark.txt", "question\n");
  put("semi;colon.txt", "semi\n");
  put("file.unknownext", "unknown\n");
  put("noext", "noext\n");
  put("dir/index.html", "<!doctype html><p>DIR INDEX</p>\n");
  put("dir/page.html", "<!doctype html><p>PAGE</p>\n");
  put("dir2/x.txt", "x\n");
  put("dir2/file10.txt", "10\n");
  put("dir2/file9.txt", "9\n");
  put('dir2/<img src="" onerror="alert(0)">.txt', "xss\n");
  put("dir2/.secret", "SECRET-DOT\n");
  put(".env", "SECRET-ENV\n");
  put(".git/config", "SECRET-GIT\n");
  put("sub/.hidden/secret.txt", "SECRET-HIDDEN\n");
  put("sub/.well-known/secret.txt", "SECRET-NOT-AT-THE-TOP\n");
  put(".well-known/security.txt", "Contact: mailto:a@b.example\n");
  put("../outside/secret.txt", "SECRET-OUTSIDE\n");
  put("../outside/index.html", "SECRET-OUTSIDE-INDEX\n");
  put("../site-private/private.txt", "SECRET-SIBLING\n");
  fs.symlinkSync("hello.txt", path.join(root, "link-in.txt"));
  fs.symlinkSync("dir", path.join(root, "dirlink-in"));
  fs.symlinkSync(path.join(root, "hello.txt"), path.join(root, "link-abs-in.txt"));
  fs.symlinkSync("../outside/secret.txt", path.join(root, "link-out.txt"));
  fs.symlinkSync("../outside", path.join(root, "dirlink-out"));
  fs.symlinkSync(path.join(site.base, "outside/secret.txt"), path.join(root, "link-abs.txt"));
  fs.symlinkSync("loop", path.join(root, "loop"));
  fs.mkdirSync(path.join(root, "indexlink"));
  fs.symlinkSync("../../outside/index.html", path.join(root, "indexlink/index.html"));
  execFileSync("mkfifo", [path.join(root, "fifo")]);

  const pre = lines(200, 4);
  put("pre.js", pre);
  put("pre.js.br", zlib.brotliCompressSync(pre));
  put("pre.js.gz", zlib.gzipSync(pre));
  put("pre.js.zst", "not really zstd, but nobody looks inside");
  put("only.txt.gz", zlib.gzipSync("ONLY COMPRESSED\n"));
  put("large-only.txt.gz", zlib.gzipSync(noise(400_000).toString("hex"), { level: 1 }));
  put("old.txt", "as old as an image layer\n", 0);
  put("old-large.txt", lines(20_000, 9), 0);
  put("404.html", "<!doctype html><p>CUSTOM 404</p>\n");
  put("about.html", "<!doctype html><p>ABOUT</p>\n");
  put("photo.svg", `<svg xmlns="http://www.w3.org/2000/svg">${" ".repeat(3000)}</svg>\n`);
  put("stale.js", lines(200, 5));
  put("stale.js.br", zlib.brotliCompressSync("STALE"), MTIME_SECONDS - 1000);
  put("outbr.js", lines(200, 6));
  put("../outside/outbr.js.br", zlib.brotliCompressSync("SECRET-SIDECAR"));
  fs.symlinkSync("../outside/outbr.js.br", path.join(root, "outbr.js.br"));
  return site;
}
