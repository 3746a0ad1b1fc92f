import { isUtf8 } from "node:buffer";
import { orThrow } from "./errors.js";
import { bind, errnoCell, support, syscall } from "./native.js";
import { Region } from "./region.js";
import { SYSCALL_NUMBER } from "./syscall-number.js";

const nativeSeek = bind("int64_t lseek(int, int64_t, int)");

export interface DirectoryEntry {
  /** Decoded as UTF-8; not exact when `nameBytes` is there. */
  readonly name: string;
  /** The name itself, when it is not valid UTF-8. */
  readonly nameBytes?: Uint8Array;
  /** `DT_*`; `DT_UNKNOWN` on file systems that do not say. */
  readonly type: number;
  readonly ino: number;
}

/** `struct linux_dirent64`: inode 8, offset 8, record length 2, type 1, name. */
const RECORD_LENGTH = 16;
const TYPE = 18;
const NAME = 19;
const LIST_BYTES = 32 * 1024;

let list: Region | undefined;

/**
 * All entries of an open directory except `.` and `..`, from its beginning, in the file system's order.
 * @throws SysError (ENOTDIR, EBADF)
 */
export function readDirectory(fd: number): DirectoryEntry[] {
  if (!support.supported) bind("long getdents64()")();
  list ??= Region.allocate(LIST_BYTES);
  const position = nativeSeek(fd, 0, 0);
  orThrow(position === -1 ? -errnoCell[0]! : position, "lseek");
  const entries: DirectoryEntry[] = [];
  for (;;) {
    const result = syscall(SYSCALL_NUMBER.getdents64, fd, list.address, LIST_BYTES, 0, 0, 0);
    const length = orThrow(result === -1 ? -errnoCell[0]! : result, "getdents64");
    if (length === 0) return entries;
    parse(list, length, entries);
  }
}

function parse(region: Region, length: number, into: DirectoryEntry[]): void {
  const { bytes, view } = region;
  for (let offset = 0; offset < length; offset += view.getUint16(offset + RECORD_LENGTH, true)) {
    const end = bytes.indexOf(0, offset + NAME);
    const name = Buffer.from(bytes.subarray(offset + NAME, end));
    const text = name.toString();
    if (text === "." || text === "..") continue;
    const ino = view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 4294967296;
    const entry = { name: text, type: bytes[offset + TYPE]!, ino };
    into.push(isUtf8(name) ? entry : { ...entry, nameBytes: name });
  }
}
