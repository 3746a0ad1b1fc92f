/**
 * The only file that knows koffi. It is loaded when this module is imported, inside a `try`: on another
 * platform, or without koffi, everything here still imports and {@link support} says what is missing.
 *
 * Functions come from the Node executable itself (`load(null)`), which carries its libc, so glibc and musl
 * need no library name. Pointers are declared `intptr_t` and travel as Numbers: a user-space address has
 * 47 bits, and BigInt arguments are slower.
 */
import { createRequire } from "node:module";
import { UnsupportedError } from "./errors.js";

/** What we use of koffi. Its own types are not imported: the package must type-check without it installed. */
interface Koffi {
  load(path: string | null): { func(definition: string): NativeFunction };
  address(value: Uint8Array): bigint;
  view(address: number, byteLength: number): ArrayBuffer;
  proto(definition: string): unknown;
  pointer(type: unknown): unknown;
  register(callback: (...values: number[]) => number, type: unknown): bigint;
  readonly node?: {
    readonly poll?: (
      fd: number,
      events: { readable: boolean },
      callback: (status: number) => void,
    ) => PollHandle;
  };
}

/** A C function. `async` runs it on a thread of libuv's pool. */
export interface NativeFunction {
  (...values: (number | string)[]): number;
  async(...values: (number | string | ((error: unknown, result: number) => void))[]): void;
}

/** What `koffi.node.poll` returns: a libuv poll handle. Closed when collected, so its holder must keep it. */
export interface PollHandle {
  start(events: { readable: boolean }, callback: (status: number) => void): void;
  ref(): void;
  unref(): void;
  close(): void;
}

/** Can this process make Linux system calls? */
export type Support = { readonly supported: true } | { readonly supported: false; readonly reason: string };

/** A libc name and arguments in C, `"intptr_t recv(int, intptr_t, size_t, int)"`. */
export type Definition = string;

const require = createRequire(import.meta.url);
const loaded = load();

/** Whether system calls work here, found out once at import. */
export const support: Support =
  loaded.koffi === undefined ? { supported: false, reason: loaded.reason } : { supported: true };

function load(): { koffi: Koffi; reason?: never } | { koffi?: never; reason: string } {
  if (process.platform !== "linux") return { reason: `the platform is ${process.platform}, not linux` };
  if (process.arch !== "x64" && process.arch !== "arm64") {
    return { reason: `the processor is ${process.arch}, not x64 or arm64` };
  }
  try {
    const koffi = require("koffi") as Koffi;
    koffi.load(null).func("int close(int)");
    return { koffi };
  } catch (error) {
    // The lines behind the first one name files of ours.
    const [why] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { reason: `koffi does not load: ${why} (npm install koffi brings it)` };
  }
}

const executable = loaded.koffi?.load(null);

/** Finds a function, or `undefined` when the executable has no such symbol. */
export function find(definition: Definition): NativeFunction | undefined {
  try {
    return executable?.func(definition);
  } catch {
    return undefined;
  }
}

/** Finds a function; when there is none, returns one that throws {@link UnsupportedError}. */
export function bind(definition: Definition): NativeFunction {
  return find(definition) ?? unsupported(nameIn(definition), `the C library has no such function`);
}

/** A function that throws the reason why there is none. */
export function unsupported(name: string, why: string): NativeFunction {
  const refuse = (): never => {
    throw new UnsupportedError(name, support.supported ? why : support.reason);
  };
  return Object.assign(refuse, { async: refuse });
}

function nameIn(definition: Definition): string {
  return /(\w+)\s*\(/.exec(definition)?.[1] ?? definition;
}

/**
 * The raw `syscall(2)`, for calls that a libc may not export. It is variadic in C; on x86-64 and on arm64
 * Linux, integers of a variadic call travel in the same registers as those of a fixed one.
 */
export const syscall = bind(
  "intptr_t syscall(intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t)",
);

/**
 * `errno` of this thread: a view of the C variable, so that reading it costs a load instead of a call.
 * Element 0 is valid directly after a call that returned -1.
 */
export const errnoCell: Int32Array = (() => {
  const location = find("intptr_t __errno_location()");
  return location === undefined ? new Int32Array(1) : new Int32Array(viewOf(location(), 4));
})();

/** Where the bytes live. The caller keeps them alive: see `Region`. */
export function addressOfBytes(bytes: Uint8Array): number {
  if (loaded.koffi === undefined) throw new UnsupportedError("address", loaded.reason);
  return Number(loaded.koffi.address(bytes));
}

/** JS sight of memory that the kernel mapped. */
export function viewOf(address: number, byteLength: number): ArrayBuffer {
  if (loaded.koffi === undefined) throw new UnsupportedError("view", loaded.reason);
  return loaded.koffi.view(address, byteLength);
}

/** libuv's poll handle through koffi; `undefined` when this koffi has none (it is not documented). */
export const pollHandle = loaded.koffi?.node?.poll;

/**
 * A C function pointer that calls into JavaScript, for as long as the process lives. It must be called on the thread
 * that made it, from within a call that JavaScript made.
 * @param definition a C prototype, `"int tz_choose(intptr_t, uint32_t)"`
 * @throws UnsupportedError
 */
export function nativeCallback(definition: Definition, callback: (...values: number[]) => number): number {
  const { koffi } = loaded;
  if (koffi === undefined) throw new UnsupportedError("callback", loaded.reason);
  return Number(koffi.register(callback, koffi.pointer(koffi.proto(definition))));
}
