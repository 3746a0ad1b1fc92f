/** Numbers for `syscall(2)` of the calls that a supported libc may not export (glibc 2.28, musl 1.2). */
const arm64 = process.arch === "arm64";

export const SYSCALL_NUMBER = {
  getdents64: arm64 ? 61 : 217,
  preadv2: arm64 ? 286 : 327,
  statx: arm64 ? 291 : 332,
  /** Since Linux 5.6, at the same number everywhere. */
  openat2: 437,
} as const;
