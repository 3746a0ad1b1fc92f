import { checked, checkRange } from "./address-check.js";
import { ERRNO } from "./errno.js";
import { BadArgumentError, orThrow } from "./errors.js";
import { read } from "./file.js";
import { bind, errnoCell } from "./native.js";
import type { Region } from "./region.js";
import { type Path, pathAddress, writePathOrThrow } from "./scratch.js";

const nativeInit = bind("int inotify_init1(int)");
const nativeAdd = bind("int inotify_add_watch(int, intptr_t, uint32_t)");
const nativeRemove = bind("int inotify_rm_watch(int, int)");

export interface InotifyEvent {
  /** Which watch; -1 when the queue overflowed (`IN_Q_OVERFLOW`). */
  readonly wd: number;
  /** `IN_*` bits. */
  readonly mask: number;
  /** The same for both halves of a rename. */
  readonly cookie: number;
  /** The entry of the watched directory; `""` when the watched thing itself is meant. */
  readonly name: string;
}

/** An inotify descriptor (`IN_NONBLOCK | IN_CLOEXEC`). @throws SysError (EMFILE: fs.inotify.max_user_instances) */
export function inotifyInit(flags: number): number {
  const fd = nativeInit(flags);
  return orThrow(fd === -1 ? -errnoCell[0]! : fd, "inotify_init1");
}

/**
 * Watches a path. The same inode again gives the same number, its mask replaced.
 * @returns the watch's number
 * @throws SysError (ENOENT; ENOSPC: fs.inotify.max_user_watches)
 */
export function inotifyAddWatch(fd: number, path: Path, mask: number): number {
  writePathOrThrow(path, "inotify_add_watch");
  const wd = nativeAdd(fd, pathAddress, mask);
  return orThrow(wd === -1 ? -errnoCell[0]! : wd, "inotify_add_watch", Buffer.from(path).toString());
}

/** Ends a watch; an `IN_IGNORED` event follows. @throws SysError (EINVAL: already gone) */
export function inotifyRmWatch(fd: number, wd: number): void {
  const result = nativeRemove(fd, wd);
  orThrow(result === -1 ? -errnoCell[0]! : result, "inotify_rm_watch");
}

/** `struct inotify_event` before its name. */
const HEAD_BYTES = 16;
/** Room for one event with the longest name: less and the kernel refuses. */
const MIN_BUFFER_BYTES = HEAD_BYTES + 256;

/**
 * Reads what has happened, as much as fits `buffer`; nothing has when the result is empty.
 * @throws SysError, BadArgumentError for a buffer below 272 bytes
 */
export const readInotify: (fd: number, buffer: Region) => InotifyEvent[] = checked(
  (fd: number, buffer: Region): InotifyEvent[] => {
    if (buffer.byteLength < MIN_BUFFER_BYTES) {
      throw new BadArgumentError(
        "inotify",
        "buffer",
        buffer.byteLength,
        `at least ${MIN_BUFFER_BYTES} bytes`,
      );
    }
    const length = read(fd, buffer.address, buffer.byteLength);
    if (length === -ERRNO.EAGAIN || length === -ERRNO.EINTR) return [];
    return parseInotify(buffer.bytes.subarray(0, orThrow(length, "read")));
  },
  (_fd, buffer) => checkRange("read", buffer.address, buffer.byteLength),
);

/** The events in the bytes that an inotify descriptor gave. */
export function parseInotify(bytes: Uint8Array): InotifyEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: InotifyEvent[] = [];
  let offset = 0;
  while (offset + HEAD_BYTES <= bytes.byteLength) {
    const start = offset + HEAD_BYTES;
    const end = start + view.getUint32(offset + 12, true);
    // Names are padded with NULs.
    const name = Buffer.from(bytes.subarray(start, end));
    const nul = name.indexOf(0);
    events.push({
      wd: view.getInt32(offset, true),
      mask: view.getUint32(offset + 4, true),
      cookie: view.getUint32(offset + 8, true),
      name: name.toString("utf8", 0, nul < 0 ? name.length : nul),
    });
    offset = end;
  }
  return events;
}
