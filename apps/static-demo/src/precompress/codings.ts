import { promisify } from "node:util";
import * as zlib from "node:zlib";

/** One form that is written beside a file. */
export interface Coding {
  readonly name: "br" | "zstd" | "gzip";
  /** What the file's name ends in. */
  readonly suffix: string;
  /** Compresses on libuv's thread pool, as small as it gets. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
}

type Compress = (bytes: Uint8Array, options: object) => Promise<Buffer>;

const ZSTD_LEVEL = 19;
const GZIP_LEVEL = 9;

/** Node has zstd from 22.15 on. */
const zstd = (zlib as unknown as { zstdCompress?: Compress }).zstdCompress;
const ZSTD_LEVEL_PARAMETER =
  (zlib.constants as { ZSTD_c_compressionLevel?: number }).ZSTD_c_compressionLevel ?? 100;

const brotli = promisify(zlib.brotliCompress) as unknown as Compress;
const gzip = promisify(zlib.gzip) as unknown as Compress;

/** Every coding that this Node can write, the best first. */
export const CODINGS: readonly Coding[] = [
  {
    name: "br",
    suffix: ".br",
    compress: (bytes) =>
      brotli(bytes, {
        params: {
          [zlib.constants.BROTLI_PARAM_QUALITY]: zlib.constants.BROTLI_MAX_QUALITY,
          [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
        },
      }),
  },
  ...(zstd === undefined
    ? []
    : [
        {
          name: "zstd" as const,
          suffix: ".zst",
          compress: (bytes: Uint8Array) =>
            (promisify(zstd) as unknown as Compress)(bytes, {
              params: { [ZSTD_LEVEL_PARAMETER]: ZSTD_LEVEL },
            }),
        },
      ]),
  { name: "gzip", suffix: ".gz", compress: (bytes) => gzip(bytes, { level: GZIP_LEVEL }) },
];
