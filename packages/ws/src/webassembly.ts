/** What of WebAssembly is used here: its global types come with browser libraries only. */
interface WebAssemblyGlobal {
  readonly Memory: new (descriptor: { initial: number; maximum: number }) => FixedMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: object };
}

/** A `WebAssembly.Memory` that never grows (initial = maximum): its buffer stays. */
export interface FixedMemory {
  readonly buffer: ArrayBuffer;
}

/** `undefined` where the runtime has none (`--jitless`). */
export const webAssembly = (globalThis as { readonly WebAssembly?: WebAssemblyGlobal }).WebAssembly;
