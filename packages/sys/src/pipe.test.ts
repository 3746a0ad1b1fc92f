import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  EFD_NONBLOCK,
  EFD_SEMAPHORE,
  O_CLOEXEC,
  O_NONBLOCK,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
} from "./constants.js";
import { ERRNO } from "./errno.js";
import { close, read, write } from "./file.js";
import { eventfd, pipe2, splice } from "./pipe.js";
import { Region } from "./region.js";
import { recv, socketpair } from "./socket.js";

const memory = Region.allocate(4096);

test("a pipe carries bytes, ends when its writer is closed and breaks when its reader is", () => {
  const { readFd, writeFd } = pipe2(O_NONBLOCK | O_CLOEXEC);
  memory.bytes.set([1, 2, 3]);
  expect(read(readFd, memory.address, 8)).toBe(-ERRNO.EAGAIN);
  expect(write(writeFd, memory.address, 3)).toBe(3);
  expect(read(readFd, memory.addressOf(100), 8)).toBe(3);
  expect([...memory.bytes.subarray(100, 104)]).toEqual([1, 2, 3, 0]);
  expect(close(writeFd)).toBe(0);
  expect(read(readFd, memory.address, 8)).toBe(0);
  close(readFd);
  const broken = pipe2(O_CLOEXEC);
  close(broken.readFd);
  expect(write(broken.writeFd, memory.address, 1)).toBe(-ERRNO.EPIPE);
  close(broken.writeFd);
  expect(() => pipe2(0xffffff)).toThrow(expect.objectContaining({ code: "EINVAL", syscall: "pipe2" }));
});

test("an eventfd counts", () => {
  const fd = eventfd(3, EFD_NONBLOCK);
  expect(read(fd, memory.address, 8)).toBe(8);
  expect(memory.view.getBigUint64(0, true)).toBe(3n);
  expect(read(fd, memory.address, 8)).toBe(-ERRNO.EAGAIN);
  close(fd);
  const semaphore = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
  expect([1, 2, 3].map(() => read(semaphore, memory.address, 8))).toEqual([8, 8, -ERRNO.EAGAIN]);
  close(semaphore);
  expect(() => eventfd(0, 0x7fff0000)).toThrow(expect.objectContaining({ code: "EINVAL" }));
});

test("splice moves a file through a pipe into a socket, and a pipe into a file at an offset", () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-sys-"));
  const path = join(folder, "file");
  writeFileSync(path, "0123456789");
  const file = openSync(path, "r+");
  const { readFd, writeFd } = pipe2(O_NONBLOCK | O_CLOEXEC);
  const [a, b] = socketpair(SOCK_STREAM | SOCK_NONBLOCK);
  try {
    expect(splice(file, writeFd, 4, SPLICE_F_MOVE, 3)).toBe(4);
    expect(splice(readFd, a, 100, SPLICE_F_NONBLOCK)).toBe(4);
    expect(recv(b, memory.address, 100, 0)).toBe(4);
    expect(Buffer.from(memory.bytes.subarray(0, 4)).toString()).toBe("3456");
    // With an offset given, the file's own position stays at the start.
    expect(splice(file, writeFd, 2, 0)).toBe(2);
    expect(splice(readFd, file, 2, 0, -1, 20)).toBe(2);
    expect(readFileSync(path).toString("latin1")).toBe(`0123456789${"\0".repeat(10)}01`);
    expect(splice(readFd, file, 2, SPLICE_F_NONBLOCK)).toBe(-ERRNO.EAGAIN);
    expect(splice(file, a, 2, 0)).toBe(-ERRNO.EINVAL);
    expect(splice(-1, writeFd, 2, 0)).toBe(-ERRNO.EBADF);
    const far = 5 * 2 ** 32 + 7;
    memory.bytes.set([65, 66]);
    write(writeFd, memory.address, 2);
    expect(splice(readFd, file, 2, 0, -1, far)).toBe(2);
    expect(splice(file, writeFd, 2, 0, far)).toBe(2);
    expect(read(readFd, memory.addressOf(10), 2)).toBe(2);
    expect([...memory.bytes.subarray(10, 12)]).toEqual([65, 66]);
  } finally {
    for (const fd of [readFd, writeFd, a, b]) close(fd);
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
});
