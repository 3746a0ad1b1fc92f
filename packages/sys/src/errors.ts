import { errnoName } from "./errno.js";

/** The codes that are ours; every other `code` of a {@link SysError} is the kernel's (`"ECONNRESET"`). */
export const SYS_ERROR_CODES = {
  /** Not Linux on x86-64 or arm64, no koffi, or a call that this libc lacks. */
  unsupported: "TZ_SYS_UNSUPPORTED",
  /** An address range that is not inside one live region. */
  badAddress: "TZ_SYS_BAD_ADDRESS",
  /** A region was used after `release()`. */
  released: "TZ_SYS_RELEASED",
  /** An argument that no call could take: a port of 70000, a path with a NUL. */
  badArgument: "TZ_SYS_BAD_ARGUMENT",
} as const;

/** Why a call failed. Callers match `code`; `errno` is the positive kernel number, 0 for a `TZ_*` code. */
export class SysError extends Error {
  override readonly name: string = "SysError";
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(code: string, errno: number, syscall: string, message: string) {
    super(message);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }

  /** The error for a result in kernel convention (a negative errno; the positive number is taken too). */
  static fromResult(result: number, syscall: string, detail?: string): SysError {
    const code = errnoName(result);
    const message = detail === undefined ? `${syscall}: ${code}` : `${syscall}: ${code}, ${detail}`;
    return new SysError(code, Math.abs(result), syscall, message);
  }
}

/** `TZ_SYS_UNSUPPORTED`: this process cannot make the call; the message says why. */
export class UnsupportedError extends SysError {
  override readonly name = "UnsupportedError";

  constructor(syscall: string, reason: string) {
    super(SYS_ERROR_CODES.unsupported, 0, syscall, `${syscall} is not available: ${reason}`);
  }
}

/** `TZ_SYS_BAD_ADDRESS`: the kernel would have read or written memory that no live region holds. */
export class BadAddressError extends SysError {
  override readonly name = "BadAddressError";
  readonly address: number;
  readonly length: number;

  constructor(syscall: string, address: number, length: number, why: string) {
    super(
      SYS_ERROR_CODES.badAddress,
      0,
      syscall,
      `${syscall}: ${length} bytes at address ${address} (0x${address.toString(16)}): ${why}`,
    );
    this.address = address;
    this.length = length;
  }
}

/** `TZ_SYS_RELEASED`: a region was used after its release. */
export class ReleasedError extends SysError {
  override readonly name = "ReleasedError";

  constructor(what: string) {
    super(SYS_ERROR_CODES.released, 0, "region", `${what} was released`);
  }
}

/** `TZ_SYS_BAD_ARGUMENT`: names the argument, its value and what is allowed. */
export class BadArgumentError extends SysError {
  override readonly name = "BadArgumentError";

  constructor(syscall: string, argument: string, value: unknown, allowed: string) {
    super(
      SYS_ERROR_CODES.badArgument,
      0,
      syscall,
      `${syscall}: ${argument} is ${typeof value === "string" ? JSON.stringify(value) : String(value)}, must be ${allowed}`,
    );
  }
}

/** Passes a result on, or throws its {@link SysError}: turns a hot call into a set-up call. */
export function orThrow(result: number, syscall: string, detail?: string): number {
  if (result < 0) throw SysError.fromResult(result, syscall, detail);
  return result;
}
