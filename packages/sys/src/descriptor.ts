import { F_GETFD, F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, O_NONBLOCK } from "./constants.js";
import { orThrow } from "./errors.js";
import { bind, errnoCell } from "./native.js";

const nativeControl = bind("int fcntl(int, int, intptr_t)");

/** A descriptor operation (`F_*`) with an integer argument. @throws SysError */
export function fcntl(fd: number, command: number, value = 0): number {
  const result = nativeControl(fd, command, value);
  return orThrow(result === -1 ? -errnoCell[0]! : result, "fcntl");
}

/** Turns `O_NONBLOCK` on or off. It belongs to the open file: all descriptors of it change. @throws SysError */
export function setNonBlocking(fd: number, on: boolean): void {
  const flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/** Whether child processes go without this descriptor. @throws SysError */
export function setCloseOnExec(fd: number, on: boolean): void {
  const flags = fcntl(fd, F_GETFD);
  fcntl(fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC);
}
