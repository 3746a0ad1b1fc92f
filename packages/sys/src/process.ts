import { PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS } from "./constants.js";
import { BadArgumentError, orThrow } from "./errors.js";
import { bind, errnoCell } from "./native.js";
import { scratchAddress, scratchView } from "./scratch.js";

const nativeSetAffinity = bind("int sched_setaffinity(int, size_t, intptr_t)");
const nativeGetAffinity = bind("int sched_getaffinity(int, size_t, intptr_t)");
const nativeLimit = bind("int prlimit(int, int, intptr_t, intptr_t)");
/** Variadic in C; on x86-64 and arm64 its integers travel in the same registers as those of a fixed call. */
const nativeControl = bind("int prctl(int, intptr_t, intptr_t, intptr_t, intptr_t)");

/** `cpu_set_t` of libc. */
const MAX_CPUS = 1024;
const MASK_BYTES = MAX_CPUS / 8;

/** Lets a process (0: this thread) run on these processors only. @throws SysError (EINVAL: none of them exists) */
export function schedSetaffinity(pid: number, cpus: readonly number[]): void {
  for (let i = 0; i < MASK_BYTES; i++) scratchView.setUint8(i, 0);
  for (const cpu of cpus) {
    if (!Number.isInteger(cpu) || cpu < 0 || cpu >= MAX_CPUS) {
      throw new BadArgumentError("sched_setaffinity", "cpu", cpu, `an integer from 0 to ${MAX_CPUS - 1}`);
    }
    scratchView.setUint8(cpu >> 3, scratchView.getUint8(cpu >> 3) | (1 << (cpu & 7)));
  }
  const result = nativeSetAffinity(pid, MASK_BYTES, scratchAddress);
  orThrow(result === -1 ? -errnoCell[0]! : result, "sched_setaffinity");
}

/** The processors that a process (0: this thread) may run on, in order. @throws SysError */
export function schedGetaffinity(pid: number): number[] {
  for (let i = 0; i < MASK_BYTES; i++) scratchView.setUint8(i, 0);
  const result = nativeGetAffinity(pid, MASK_BYTES, scratchAddress);
  orThrow(result === -1 ? -errnoCell[0]! : result, "sched_getaffinity");
  const cpus: number[] = [];
  for (let cpu = 0; cpu < MAX_CPUS; cpu++) {
    if ((scratchView.getUint8(cpu >> 3) & (1 << (cpu & 7))) !== 0) cpus.push(cpu);
  }
  return cpus;
}

/** `Infinity` is no limit. */
export interface ResourceLimit {
  /** What is enforced. */
  readonly soft: number;
  /** How far an unprivileged process may raise `soft`. */
  readonly hard: number;
}

/** A resource limit (`RLIMIT_*`) of a process, 0 for this one. @throws SysError */
export function getResourceLimit(resource: number, pid = 0): ResourceLimit {
  const result = nativeLimit(pid, resource, 0, scratchAddress);
  orThrow(result === -1 ? -errnoCell[0]! : result, "prlimit");
  return { soft: readLimit(0), hard: readLimit(8) };
}

/** Sets a resource limit. @throws SysError (EPERM: above the hard limit) */
export function setResourceLimit(resource: number, limit: ResourceLimit, pid = 0): void {
  writeLimit(0, limit.soft);
  writeLimit(8, limit.hard);
  const result = nativeLimit(pid, resource, scratchAddress, 0);
  orThrow(result === -1 ? -errnoCell[0]! : result, "prlimit");
}

/** RLIM_INFINITY: all 64 bits. */
const NO_LIMIT = 0xffff_ffff_ffff_ffffn;

function readLimit(offset: number): number {
  const value = scratchView.getBigUint64(offset, true);
  return value === NO_LIMIT ? Number.POSITIVE_INFINITY : Number(value);
}

function writeLimit(offset: number, value: number): void {
  if (value !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(value) && value >= 0)) {
    throw new BadArgumentError("prlimit", "limit", value, "Infinity or an integer from 0");
  }
  scratchView.setBigUint64(offset, value === Number.POSITIVE_INFINITY ? NO_LIMIT : BigInt(value), true);
}

/**
 * From now on no program that this thread starts gains rights from its file (set-user-ID, capabilities). It cannot be
 * taken back. Threads that run already are not changed; processes started from this thread are. @throws SysError
 */
export function setNoNewPrivileges(): void {
  const result = nativeControl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  orThrow(result === -1 ? -errnoCell[0]! : result, "prctl");
}

/** Whether {@link setNoNewPrivileges} holds for this thread. @throws SysError */
export function getNoNewPrivileges(): boolean {
  const result = nativeControl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  return orThrow(result === -1 ? -errnoCell[0]! : result, "prctl") === 1;
}
