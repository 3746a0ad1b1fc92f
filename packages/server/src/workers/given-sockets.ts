import { getsockopt, isSupported, SO_ACCEPTCONN, SOL_SOCKET } from "@tz/sys";
import { ServerError } from "../errors.js";

/**
 * Another program says that these descriptors are sockets that listen. Where they are not, what they are would be closed
 * or read: files, connections, Node's own.
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function checkGivenSockets(fds: readonly number[]): void {
  if (fds.length === 0)
    throw new ServerError("TZ_SERVER_OPTION", "fds is empty; allowed: one socket or more");
  const wrong = isSupported().supported ? fds.find((fd) => !listens(fd)) : undefined;
  if (wrong === undefined) return;
  throw new ServerError(
    "TZ_SERVER_OPTION",
    `fds has ${wrong}, which is no socket that listens; allowed: stream sockets that do (of systemd: ListenStream=, Accept=no)`,
  );
}

function listens(fd: number): boolean {
  try {
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1;
  } catch {
    // EBADF, ENOTSOCK
    return false;
  }
}
