/**
 * The file of a Unix socket: with a mode and an owner from its first moment, and in the place of one that a dead
 * server left.
 *
 * It is made under another name and renamed, so that nobody connects before the mode holds, and so that there is no
 * moment without a file.
 */
import { chmodSync, chownSync, lstatSync, renameSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { ServerError } from "../errors.js";
import { groupId, userId } from "./accounts.js";

export interface SocketFileOptions {
  /** Permission bits of the file, `0o660`; connecting needs the right to write. Default: by the umask. */
  readonly socketMode?: number | undefined;
  /** Owner of the file, a name or a number. */
  readonly socketUser?: string | number | undefined;
  readonly socketGroup?: string | number | undefined;
}

export interface SocketFile {
  readonly path: string;
  remove(): void;
}

const MODE_MAX = 0o777;
/** `sockaddr_un.sun_path` has 108 bytes, the last one is NUL. */
const PATH_BYTES_MAX = 107;

/**
 * @param listen binds a socket to the path that it is given
 * @throws an `EADDRINUSE` when a server answers there or something else has the name
 */
export async function listenOnPath<T>(
  path: string,
  options: SocketFileOptions,
  listen: (path: string) => T | Promise<T>,
): Promise<{ file: SocketFile; value: T }> {
  const { socketMode, socketUser, socketGroup } = options;
  if (
    socketMode !== undefined &&
    !(Number.isInteger(socketMode) && socketMode >= 0 && socketMode <= MODE_MAX)
  ) {
    throw new ServerError("TZ_SERVER_OPTION", `socketMode is ${socketMode}; allowed: 0 to 0o777`);
  }
  // Found out before anything is made.
  const uid = socketUser === undefined ? -1 : userId(socketUser);
  const gid = socketGroup === undefined ? -1 : groupId(socketGroup);
  await refuseTaken(path);
  const early = `${path}.${process.pid.toString(36)}`;
  if (Buffer.byteLength(early) > PATH_BYTES_MAX) {
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `host is the path ${JSON.stringify(path)}; allowed for a Unix socket: up to ${PATH_BYTES_MAX - early.length + path.length} bytes`,
    );
  }
  rmSync(early, { force: true });
  const value = await listen(early);
  try {
    if (uid !== -1 || gid !== -1) chownSync(early, uid, gid);
    if (socketMode !== undefined) chmodSync(early, socketMode);
    renameSync(early, path);
  } catch (error) {
    rmSync(early, { force: true });
    throw error;
  }
  return { value, file: socketFileAt(path) };
}

/** The file that is there now. */
export function socketFileAt(path: string): SocketFile {
  const ino = lstatSync(path, { throwIfNoEntry: false })?.ino;
  return {
    path,
    // Another server may have taken the name since.
    remove: () => {
      const now = lstatSync(path, { throwIfNoEntry: false })?.ino;
      if (now !== undefined && now === ino) rmSync(path, { force: true });
    },
  };
}

/** @throws an error with the code `EADDRINUSE` */
async function refuseTaken(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isSocket() && !(await isAnswered(path))) return;
  const what = found.isSocket() ? "a server listens there" : "it is no socket";
  const error: NodeJS.ErrnoException = new Error(`listen EADDRINUSE: ${path}: ${what}`);
  error.code = "EADDRINUSE";
  error.syscall = "listen";
  throw error;
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // EACCES, EAGAIN (its queue is full): somebody is there, as far as we can tell.
    socket.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
