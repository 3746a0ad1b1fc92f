import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Readable, Readable as ReadableStream } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ServerError } from "../errors.js";
import { checkNumber, MULTIPART_OPTIONS, type MultipartNumberOption } from "../options.js";

/** Where uploads go, and their limits; see {@link MULTIPART_OPTIONS}. */
export interface MultipartOptions extends Readonly<Partial<Record<MultipartNumberOption, number>>> {
  /** An existing directory, in which each request gets one of its own. Default: the system's for temporary files. */
  readonly directory?: string;
}

/** An uploaded file on disk. */
export interface UploadedFile {
  /** Name of the form's field. */
  readonly field: string;
  /** The name that the client gave: text for people, never a path. */
  readonly name: string;
  /** The type that the client gave. */
  readonly type: string;
  /** Where it lies until the request ends; rename it to keep it. */
  readonly path: string;
  readonly byteLength: number;
}

export interface MultipartForm {
  /** The fields that are no files, in their order. */
  readonly fields: URLSearchParams;
  readonly files: readonly UploadedFile[];
}

/**
 * Reads a `multipart/form-data` body (RFC 7578) and writes its files to disk as they come. The parser is
 * `@fastify/busboy`. Files have numbers for names, mode 0600, in a directory of mode 0700 of their own.
 *
 * @param onDirectory told of the directory as soon as it is there: whoever calls removes it
 * @throws ServerError `TZ_SERVER_BODY_TOO_LARGE` beyond a limit, `TZ_SERVER_BODY_INVALID` when the body is no such form,
 *   `TZ_SERVER_OPTION`; what the source throws
 */
export async function readMultipart(
  source: AsyncIterable<Uint8Array>,
  contentType: string,
  options: MultipartOptions,
  onDirectory: (path: string) => void,
): Promise<MultipartForm> {
  const limits = resolve(options);
  const directory = await mkdtemp(join(options.directory ?? tmpdir(), "upload-"));
  onDirectory(directory);
  const { Busboy } = await import("@fastify/busboy");
  const fields = new URLSearchParams();
  const files: UploadedFile[] = [];
  const writes: Promise<void>[] = [];
  const incoming: Readable[] = [];
  const input = ReadableStream.from(source, { objectMode: false });
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    input.destroy(failure as Error);
  };
  const exceed = (name: MultipartNumberOption): void =>
    fail(new ServerError("TZ_SERVER_BODY_TOO_LARGE", `the form exceeds ${name} = ${limits[name]}`));
  let form: InstanceType<typeof Busboy>;
  try {
    form = new Busboy({
      headers: { "content-type": contentType },
      limits: {
        // The parser tells of a limit when it is reached; so one more is let in, and refused.
        files: limits.maxFiles + 1,
        fields: limits.maxFields + 1,
        fileSize: limits.maxFileBytes + 1,
        fieldSize: limits.maxFieldBytes + 1,
      },
    });
  } catch (error) {
    throw malformed(error);
  }
  form.on("field", (name, value, nameTruncated) => {
    fields.append(name, value);
    if (fields.size > limits.maxFields) exceed("maxFields");
    else if (nameTruncated || Buffer.byteLength(value) > limits.maxFieldBytes) exceed("maxFieldBytes");
  });
  form.on("file", (field, stream: Readable, name, _transferEncoding, type) => {
    const path = join(directory, String(writes.length));
    if (writes.length >= limits.maxFiles) exceed("maxFiles");
    if (failure !== undefined) {
      stream.resume();
      return;
    }
    incoming.push(stream);
    let byteLength = 0;
    stream.on("data", (chunk: Buffer) => {
      byteLength += chunk.byteLength;
      if (byteLength > limits.maxFileBytes) exceed("maxFileBytes");
    });
    const write = pipeline(stream, createWriteStream(path, { flags: "wx", mode: 0o600 })).then(() => {
      files.push({ field, name: name ?? "", type, path, byteLength });
    });
    write.catch(fail);
    writes.push(write);
  });
  try {
    await pipeline(input, form);
    await Promise.all(writes);
  } catch (error) {
    failure ??= error instanceof ServerError ? error : malformed(error);
    // The parser leaves the file that it is in open: it would never end.
    for (const stream of incoming) stream.destroy(failure as Error);
  }
  // A file that is still being written must be closed before its directory is removed.
  await Promise.allSettled(writes);
  if (failure !== undefined) throw failure;
  return { fields, files: files.sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true })) };
}

/** Removes a request's uploads, what was renamed excepted. */
export function removeUploads(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true });
}

function malformed(cause: unknown): ServerError {
  return new ServerError("TZ_SERVER_BODY_INVALID", "the request body is no multipart form", { cause });
}

function resolve(options: MultipartOptions): Record<MultipartNumberOption, number> {
  const limits: Record<string, number> = {};
  for (const [name, row] of Object.entries(MULTIPART_OPTIONS)) limits[name] = row.default;
  for (const [name, value] of Object.entries(options)) {
    if (name === "directory" || value === undefined) continue;
    if (!Object.hasOwn(MULTIPART_OPTIONS, name)) {
      const known = ["directory", ...Object.keys(MULTIPART_OPTIONS)].join(", ");
      throw new ServerError("TZ_SERVER_OPTION", `unknown option ${JSON.stringify(name)}; allowed: ${known}`);
    }
    checkNumber(name, value, MULTIPART_OPTIONS[name as MultipartNumberOption]);
    limits[name] = value as number;
  }
  return limits as Record<MultipartNumberOption, number>;
}
