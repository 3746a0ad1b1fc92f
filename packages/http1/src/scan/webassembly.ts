/** The part of WebAssembly's JavaScript API that is used here; Node's type declarations have it only from version 22 on. */
interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
  Memory: new (size: { initial: number; maximum: number }) => ScannerMemory;
}

/** A `WebAssembly.Memory`; its buffer must never grow or move (initial = maximum). */
export interface ScannerMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
}

export const webAssembly: WebAssemblyApi | undefined = (globalThis as { WebAssembly?: WebAssemblyApi })
  .WebAssembly;

export const PAGE_BYTES = 65_536;
