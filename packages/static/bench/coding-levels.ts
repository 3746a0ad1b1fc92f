/**
 * Size and time of each coding and level on real text: where is the knee?
 * usage: node --import tsx packages/static/bench/coding-levels.ts [FILE]
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import zlib from "node:zlib";

const ROUNDS = 3;
const file = process.argv[2] ?? createRequire(import.meta.url).resolve("typescript");
const bytes = readFileSync(file).subarray(0, 200_000);

function measure(name: string, compress: () => Buffer, decompress: (coded: Buffer) => Buffer): void {
  const coded = compress();
  if (!decompress(coded).equals(bytes)) throw new Error(`${name} lost something`);
  let bestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    compress();
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  console.log(
    `${name.padEnd(8)} ${bestMs.toFixed(1).padStart(8)} ms ${((coded.byteLength / bytes.byteLength) * 100).toFixed(1).padStart(6)} %`,
  );
}

for (const level of [1, 4, 6, 9]) {
  measure(
    `gzip ${level}`,
    () => zlib.gzipSync(bytes, { level }),
    (coded) => zlib.gunzipSync(coded),
  );
}
for (const level of [3, 4, 5, 6, 7, 9, 11]) {
  const params = {
    [zlib.constants.BROTLI_PARAM_QUALITY]: level,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
  };
  measure(
    `br ${level}`,
    () => zlib.brotliCompressSync(bytes, { params }),
    (coded) => zlib.brotliDecompressSync(coded),
  );
}
