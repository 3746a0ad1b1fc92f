/** An opened file after loading: small ones are read and closed, large ones stay open. */
import type { FileStatus, FileSystem, OpenedFile } from "../resolve/file-system.js";
import { type Steps, wait } from "../steps.js";
import { isSameContent } from "./content.js";

export interface LoadedFile {
  readonly status: FileStatus;
  /** The content, of a small file. */
  readonly body: Uint8Array | undefined;
  /** Still open, of a large one; -1 of a small one. */
  readonly fd: number;
  /** It held still while it was read. */
  readonly isSteady: boolean;
}

/** Takes over the descriptor, whatever happens. */
export function* loadFile(files: FileSystem, file: OpenedFile, maxBodyBytes: number): Steps<LoadedFile> {
  const { fd, status } = file;
  if (status.byteLength > maxBodyBytes) return { status, body: undefined, fd, isSteady: true };
  try {
    const body = new Uint8Array(status.byteLength);
    const count = yield* wait(files.read(fd, body, 0));
    const after = files.lookAt(fd);
    return {
      status,
      body: body.subarray(0, Math.max(0, count)),
      fd: -1,
      isSteady: count === body.byteLength && typeof after !== "string" && isSameContent(after, status),
    };
  } finally {
    files.closeFile(fd);
  }
}
