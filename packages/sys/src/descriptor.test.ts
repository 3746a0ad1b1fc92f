import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { F_DUPFD_CLOEXEC, F_GETFL, O_NONBLOCK } from "./constants.js";
import { fcntl, setCloseOnExec, setNonBlocking } from "./descriptor.js";
import { ERRNO } from "./errno.js";
import { close, read } from "./file.js";
import { pipe2 } from "./pipe.js";
import { Region } from "./region.js";

const CLOEXEC_IN_PROC = 0o2000000;

function flagsOf(fd: number): number {
  return Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!, 8);
}

test("non-blocking and close-on-exec are turned on and off without touching other flags", () => {
  const { readFd, writeFd } = pipe2(0);
  const memory = Region.allocate(8);
  setNonBlocking(readFd, true);
  expect(fcntl(readFd, F_GETFL) & O_NONBLOCK).toBe(O_NONBLOCK);
  expect(read(readFd, memory.address, 1)).toBe(-ERRNO.EAGAIN);
  setNonBlocking(readFd, false);
  expect(fcntl(readFd, F_GETFL) & O_NONBLOCK).toBe(0);
  setCloseOnExec(writeFd, true);
  expect(flagsOf(writeFd) & CLOEXEC_IN_PROC).toBe(CLOEXEC_IN_PROC);
  expect(flagsOf(writeFd) & 3).toBe(1);
  setCloseOnExec(writeFd, false);
  expect(flagsOf(writeFd) & CLOEXEC_IN_PROC).toBe(0);
  const copy = fcntl(readFd, F_DUPFD_CLOEXEC, 100);
  expect(copy).toBeGreaterThanOrEqual(100);
  for (const fd of [readFd, writeFd, copy]) close(fd);
  expect(() => setNonBlocking(-1, true)).toThrow(
    expect.objectContaining({ code: "EBADF", syscall: "fcntl" }),
  );
  memory.release();
});
