import {
  close as closeFd,
  constants,
  fstatSync,
  open as openFd,
  openSync,
  type Stats,
  write as writeFd,
} from "node:fs";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { ServerError } from "../errors.js";
import type { LogWriter } from "./access-log-options.js";

/** POSIX: as much goes into a pipe in one piece, between what others write. */
const PIPE_PIECE_BYTES = 4096;
const FULL_PAUSE_MS = 20;
const LINE_FEED = 0x0a;
const STDOUT = 1;
/** A pipe that nobody reads must hold up no thread. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NONBLOCK ?? 0);
const MODE = 0o640;

const open = promisify(openFd);
const write = promisify(writeFd);
const close = promisify(closeFd);

/**
 * A writer for `accessLog` that appends to a file, and never blocks. A file that was moved or removed (by logrotate) is
 * opened anew before the next lines; several processes may write to the same.
 * @param path `"-"` is standard output
 * @throws ServerError `TZ_SERVER_OPTION` when it cannot be opened
 */
export function logFile(path: string): LogWriter {
  let fd = path === "-" ? openStdout() : openFile(path);
  let found: Stats = fstatSync(fd);
  let isClosed = false;
  /** The file ends with half a line, since the disk was full. */
  let isTorn = false;

  async function followRotation(): Promise<void> {
    const now = await stat(path).catch(() => undefined);
    if (now !== undefined && now.ino === found.ino && now.dev === found.dev) return;
    let next: number;
    try {
      next = await open(path, FLAGS, MODE);
    } catch {
      // Nothing can be made there now: the old file is better than none.
      return;
    }
    const before = fd;
    fd = next;
    found = fstatSync(fd);
    isTorn = false;
    await close(before);
  }

  async function writePiece(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.byteLength; ) {
      if (isClosed) throw new ServerError("TZ_SERVER_STATE", `the log ${JSON.stringify(path)} is closed`);
      try {
        at += (await write(fd, piece, at, piece.byteLength - at)).bytesWritten;
        isTorn = at < piece.byteLength;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        await new Promise((resolve) => setTimeout(resolve, FULL_PAUSE_MS).unref());
      }
    }
  }

  const writer: LogWriter = async (lines) => {
    const bytes = Buffer.from(isTorn ? `\n${lines}` : lines);
    if (!found.isFile()) {
      for (const piece of pieces(bytes)) await writePiece(piece);
      return;
    }
    if (path !== "-") await followRotation();
    await writePiece(bytes);
  };
  writer.close = async () => {
    if (isClosed) return;
    isClosed = true;
    if (fd !== STDOUT) await close(fd);
  };
  return writer;
}

/** Cut behind line feeds, so that lines of several processes do not mix; a longer line goes in one piece. */
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.byteLength; ) {
    const last = bytes.lastIndexOf(LINE_FEED, at + PIPE_PIECE_BYTES - 1);
    const end = last >= at ? last + 1 : bytes.indexOf(LINE_FEED, at) + 1 || bytes.byteLength;
    yield bytes.subarray(at, end);
    at = end;
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, FLAGS, MODE);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENXIO" ? "nobody reads the pipe" : code;
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `the log ${JSON.stringify(path)} cannot be opened (${why}); allowed: a file that can be written, or "-" for standard output`,
    );
  }
}

/** A pipe is opened once more: `O_NONBLOCK` on the one that we were given would hold for all who have it. */
function openStdout(): number {
  if (!fstatSync(STDOUT).isFIFO()) return STDOUT;
  try {
    return openSync("/proc/self/fd/1", constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return STDOUT;
  }
}
