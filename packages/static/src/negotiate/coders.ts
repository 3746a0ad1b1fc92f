/** Compression and decompression on libuv's pool, off the loop. */
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Compression } from "./coding.js";

type Coder = (bytes: Uint8Array, options: object) => Promise<Buffer>;

/** Node has zstd from 22.15 on; the types of the oldest Node that we support do not know it. */
interface Zstd {
  readonly zstdCompress?: (
    bytes: Uint8Array,
    options: object,
    done: (error: Error | null, result: Buffer) => void,
  ) => void;
  readonly zstdDecompress?: Zstd["zstdCompress"];
  readonly createZstdDecompress?: () => NodeJS.ReadWriteStream;
  readonly constants: Readonly<Record<string, number>>;
}
const zstd = zlib as unknown as Zstd;

const compressors: Partial<Record<Compression, Coder>> = {
  br: promisify(zlib.brotliCompress) as Coder,
  gzip: promisify(zlib.gzip) as Coder,
};
const decompressors: Partial<Record<Compression, Coder>> = {
  br: promisify(zlib.brotliDecompress) as Coder,
  gzip: promisify(zlib.gunzip) as Coder,
};
if (zstd.zstdCompress !== undefined && zstd.zstdDecompress !== undefined) {
  compressors.zstd = promisify(zstd.zstdCompress) as Coder;
  decompressors.zstd = promisify(zstd.zstdDecompress) as Coder;
}

/** br and gzip: the knee of size over time (docs/decisions); zstd: a middle level, not measured, Node 20 has none. */
const DEFAULT_LEVEL: Readonly<Record<Compression, number>> = { br: 5, zstd: 6, gzip: 6 };

export function canCompress(coding: Compression): boolean {
  return compressors[coding] !== undefined;
}

/** @param level 1 to 11; gzip's scale ends at 9 */
export function compress(coding: Compression, bytes: Uint8Array, level: number | undefined): Promise<Buffer> {
  const coder = compressors[coding];
  if (coder === undefined) return Promise.reject(new Error(`this Node has no ${coding}`));
  return coder(bytes, optionsFor(coding, level ?? DEFAULT_LEVEL[coding], bytes.byteLength));
}

function optionsFor(coding: Compression, level: number, byteLength: number): object {
  const { constants } = zlib;
  switch (coding) {
    case "gzip":
      return { level: Math.min(level, 9) };
    case "br":
      return {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: level,
          [constants.BROTLI_PARAM_SIZE_HINT]: byteLength,
        },
      };
    case "zstd":
      return { params: { [zstd.constants.ZSTD_c_compressionLevel!]: level } };
  }
}

/**
 * `"too-long"` when the result would be longer than `maxBytes`, `"broken"` when the bytes are not of that coding,
 * `undefined` when this Node cannot.
 */
export async function decompress(
  coding: Compression,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Buffer | "too-long" | "broken" | undefined> {
  return decompressors[coding]?.(bytes, { maxOutputLength: maxBytes }).catch(
    (error: NodeJS.ErrnoException) => (error.code === "ERR_BUFFER_TOO_LARGE" ? "too-long" : "broken"),
  );
}

/** For what is too long to be held in memory; `undefined` when this Node cannot. */
export function decompressor(coding: Compression): NodeJS.ReadWriteStream | undefined {
  if (coding === "br") return zlib.createBrotliDecompress();
  return coding === "gzip" ? zlib.createGunzip() : zstd.createZstdDecompress?.();
}
