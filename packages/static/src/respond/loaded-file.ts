/** An opened file after loading: small ones are read and closed, large ones stay open. */
import type { FileStatus, FileSystem, OpenedFile } from "../resolve/file-system.js";
import { type Steps, wait } from "../steps.js";
import { isSameContent } from "./content.js";

export interface LoadedFile {
  readonly status: FileStatus;
  /** The content, of a small file; good until another is loaded, unless it was to be kept. */
  readonly body: Uint8Array | undefined;
  /** Still open, of a large one; -1 of a small one. */
  readonly fd: number;
  /** It held still while it was read. */
  readonly isSteady: boolean;
}

/**
 * Takes over the descriptor, whatever happens.
 * @param isKept others are loaded before this one is used
 */
export function* loadFile(
  files: FileSystem,
  file: OpenedFile,
  maxBodyBytes: number,
  isKept: boolean,
): Steps<LoadedFile> {
  const { fd, status } = file;
  if (status.byteLength > maxBodyBytes) return { status, body: undefined, fd, isSteady: true };
  try {
    const brief = files.readBriefly(fd, status.byteLength);
    if (brief !== undefined) {
      return {
        status,
        body: isKept ? brief.slice() : brief,
        fd: -1,
        isSteady: isUntouched(files, fd, status),
      };
    }
    const body = new Uint8Array(status.byteLength);
    const count = yield* wait(files.read(fd, body, 0));
    return {
      status,
      body: body.subarray(0, Math.max(0, count)),
      fd: -1,
      isSteady: count === body.byteLength && isUntouched(files, fd, status),
    };
  } finally {
    files.closeFile(fd);
  }
}

function isUntouched(files: FileSystem, fd: number, before: FileStatus): boolean {
  const now = files.lookAt(fd);
  return typeof now !== "string" && isSameContent(now, before);
}
