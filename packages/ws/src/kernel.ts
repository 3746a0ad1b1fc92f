import { KERNEL_BASE64 } from "./kernel.bytes.js";
import { maskWords } from "./mask.js";
import { type FixedMemory, webAssembly } from "./webassembly.js";

/**
 * What runs over one memory. Addresses are byte offsets in it; nothing checks them against each other, the
 * memory's own bounds are checked.
 */
export interface Kernel {
  /** True when this is the WebAssembly kernel. */
  readonly simd: boolean;
  /** XORs `[at, end)` with the key, in place. @returns 0 when the result is ASCII, anything else when not */
  mask(at: number, end: number, key: number): number;
  /** memmove. */
  copy(to: number, from: number, length: number): void;
}

let compiled: object | undefined;

/** The SIMD kernel over a memory: 4 ns a call and about 50 bytes a ns. `undefined` without WebAssembly. */
export function simdKernel(memory: FixedMemory): Kernel | undefined {
  if (webAssembly === undefined) return undefined;
  compiled ??= new webAssembly.Module(Buffer.from(KERNEL_BASE64, "base64"));
  const { exports } = new webAssembly.Instance(compiled, { env: { memory } });
  const { mask, copy } = exports as Pick<Kernel, "mask" | "copy">;
  return { simd: true, mask, copy };
}

/** The same in plain TypeScript, for `--jitless` and for tests. */
export function plainKernel(buffer: ArrayBuffer): Kernel {
  const bytes = new Uint8Array(buffer);
  const words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  return {
    simd: false,
    mask: (at, end, key) => (maskWords(bytes, words, at, end, key) ? 0 : 1),
    copy: (to, from, length) => void bytes.copyWithin(to, from, from + length),
  };
}
