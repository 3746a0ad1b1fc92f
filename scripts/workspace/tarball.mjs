import { gunzipSync } from "node:zlib";

const blockBytes = 512;

/**
 * The regular files of an npm tarball, named from the package's folder. Reads the ustar headers (POSIX.1-2017,
 * pax) and the pax records for long names, which is all that `npm pack` and `pnpm pack` write.
 * @param {Buffer} tarball
 * @returns {{ name: string, content: string }[]}
 */
export function tarballFiles(tarball) {
  const bytes = gunzipSync(tarball);
  const files = [];
  let longName;
  for (let at = 0; at + blockBytes <= bytes.length; ) {
    const header = bytes.subarray(at, at + blockBytes);
    if (header[0] === 0) break;
    const size = Number.parseInt(text(header, 124, 12), 8);
    const content = bytes.subarray(at + blockBytes, at + blockBytes + size);
    const type = text(header, 156, 1);
    if (type === "x") {
      longName = /\d+ path=(.*)\n/.exec(content.toString("utf8"))?.[1];
    } else {
      const prefix = text(header, 345, 155);
      const name = longName ?? (prefix ? `${prefix}/` : "") + text(header, 0, 100);
      longName = undefined;
      if (type === "0" || type === "")
        files.push({ name: name.replace(/^package\//, ""), content: content.toString("utf8") });
    }
    at += blockBytes + Math.ceil(size / blockBytes) * blockBytes;
  }
  return files;
}

function text(header, start, length) {
  return header
    .toString("utf8", start, start + length)
    .replace(/\0.*$/s, "")
    .trim();
}
