import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { Client, SFTPWrapper, Stats } from "ssh2";
import { CloudtermError, shown } from "../errors.js";
import {
  checkedPath,
  ENTRIES_MAX,
  type FileEntry,
  type OpenFile,
  parentAndName,
  type SaveOptions,
  sorted,
  type TerminalFiles,
  tooLarge,
} from "./terminal-files.js";

/** SSH_FX_NO_SUCH_FILE (draft-ietf-secsh-filexfer-02 §7). */
const NO_SUCH_FILE = 2;

/**
 * Files of an SSH host over SFTP, with the rights of the terminal's own login; relative paths begin where that does. Each
 * piece of work has a channel of its own.
 */
export function sftpFiles(client: Client): TerminalFiles {
  return {
    list: (path) =>
      withChannel(client, async (sftp) => {
        const at = checkedPath(path) || ".";
        const found = await called<{ filename: string; attrs: Stats }[]>(at, (done) =>
          sftp.readdir(at, done),
        );
        const entries = found.slice(0, ENTRIES_MAX).map(({ filename, attrs }): FileEntry => {
          const kind = attrs.isDirectory() ? "directory" : attrs.isFile() ? "file" : "other";
          return { name: filename, kind, byteLength: attrs.size, modifiedMs: attrs.mtime * 1000 };
        });
        return sorted(entries);
      }),
    read: (path, maxBytes) => read(client, path, maxBytes),
    save: (path, chunks, options) => withChannel(client, (sftp) => save(sftp, path, chunks, options)),
  };
}

async function read(client: Client, path: string, maxBytes: number): Promise<OpenFile> {
  const { name } = parentAndName(path);
  const sftp = await channel(client);
  try {
    const stats = await called<Stats>(path, (done) => sftp.stat(path, done));
    if (!stats.isFile()) throw new CloudtermError("TZ_CLOUDTERM_FILE", `${shown(name)} is no file`);
    if (stats.size > maxBytes) throw tooLarge(maxBytes);
    const byteLength = stats.size;
    // Opened now: that it may not be read is said before the answer begins.
    const handle = await called<Buffer>(path, (done) => sftp.open(path, "r", done));
    return { name, byteLength, chunks: chunksOf(sftp, path, handle, byteLength) };
  } catch (error) {
    sftp.end();
    throw error;
  }
}

async function* chunksOf(
  sftp: SFTPWrapper,
  path: string,
  handle: Buffer,
  byteLength: number,
): AsyncGenerator<Uint8Array> {
  const stream = sftp.createReadStream(path, { handle, start: 0, end: Math.max(0, byteLength - 1) });
  const closed = closeOf(stream);
  try {
    if (byteLength > 0) yield* stream;
  } finally {
    stream.destroy();
    // What is under way when the channel ends would fail.
    await closed;
    sftp.end();
  }
}

async function save(
  sftp: SFTPWrapper,
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  { maxBytes, overwrite = false }: SaveOptions,
): Promise<number> {
  const { parent, name } = parentAndName(path);
  const folder = parent === "" || parent.endsWith("/") ? parent : `${parent}/`;
  const part = `${folder}.${randomBytes(9).toString("base64url")}.part`;
  if (!overwrite) await refuseExisting(sftp, path);
  const file = sftp.createWriteStream(part, { flags: "wx", mode: 0o666 });
  const closed = closeOf(file);
  try {
    let byteLength = 0;
    for await (const chunk of chunks) {
      byteLength += chunk.length;
      if (byteLength > maxBytes) throw tooLarge(maxBytes);
      if (!file.write(chunk)) await once(file, "drain");
      if (file.errored !== null) throw file.errored;
    }
    file.end();
    const error = await closed;
    if (error !== undefined) throw error;
    const target = `${folder}${name}`;
    // The rename of SFTP 3 replaces nothing; OpenSSH has one that does.
    await called<void>(path, (done) =>
      overwrite ? sftp.ext_openssh_rename(part, target, done) : sftp.rename(part, target, done),
    );
    return byteLength;
  } catch (error) {
    file.destroy();
    await closed;
    await new Promise<void>((resolve) => sftp.unlink(part, () => resolve()));
    // Ours, and those of whoever gives the body.
    const { code } = error as { code?: unknown };
    throw typeof code === "string" && code.startsWith("TZ_") ? error : failure(error as Error, path);
  }
}

/** Resolves when a stream is closed, with what went wrong. */
function closeOf(stream: Readable | Writable): Promise<Error | undefined> {
  let failed: Error | undefined;
  stream.on("error", (error: Error) => {
    failed ??= error;
  });
  return new Promise((resolve) => stream.once("close", () => resolve(failed)));
}

/** Says so before the body is sent; the rename judges. */
async function refuseExisting(sftp: SFTPWrapper, path: string): Promise<void> {
  const exists = await new Promise<boolean>((resolve) => sftp.lstat(path, (error) => resolve(!error)));
  if (exists) throw new CloudtermError("TZ_CLOUDTERM_FILE_EXISTS");
}

async function withChannel<Result>(
  client: Client,
  work: (sftp: SFTPWrapper) => Promise<Result>,
): Promise<Result> {
  const sftp = await channel(client);
  try {
    return await work(sftp);
  } finally {
    sftp.end();
  }
}

function channel(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) =>
      reject(new CloudtermError("TZ_CLOUDTERM_FILE", `the host has no SFTP: ${error.message}`));
    try {
      client.sftp((error, sftp) => {
        if (error !== undefined && error !== null) refuse(error);
        else resolve(sftp);
      });
    } catch (error) {
      // The connection is gone.
      refuse(error as Error);
    }
  });
}

function called<Value>(
  path: string,
  call: (done: (error: Error | null | undefined, value?: Value) => void) => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error) reject(failure(error, path));
      else resolve(value as Value);
    });
  });
}

function failure(error: Error & { readonly code?: unknown }, path: string): CloudtermError {
  return error.code === NO_SUCH_FILE
    ? new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", `there is no ${shown(path)}`)
    : new CloudtermError("TZ_CLOUDTERM_FILE", `${shown(path)}: ${error.message}`);
}
