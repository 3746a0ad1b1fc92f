import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import type { Coding } from "./codings.js";
import type { SourceFile } from "./find-files.js";

/** A form must save at least this part of the file. */
const MIN_SAVING = 0.05;

export interface FormResult {
  /** `current`: was there already. `useless`: would save too little, so none is kept. */
  readonly outcome: "written" | "current" | "useless";
  readonly byteLength: number;
}

/**
 * Writes one form beside its file, or finds that it is there. A form gets its file's time: when the file changes the
 * server sees that the form is older and does not serve it. It appears under its name only when it is whole, so an
 * interrupted run leaves nothing half and the next one goes on where it stopped.
 */
export async function writeForm(
  source: SourceFile,
  coding: Coding,
  read: () => Promise<Uint8Array>,
): Promise<FormResult> {
  const path = source.path + coding.suffix;
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && there.mtimeMs >= Math.floor(source.mtimeMs)) {
    return { outcome: "current", byteLength: there.size };
  }
  const form = await coding.compress(await read());
  if (form.byteLength > source.byteLength * (1 - MIN_SAVING)) {
    await rm(path, { force: true });
    return { outcome: "useless", byteLength: source.byteLength };
  }
  const partial = `${path}.${process.pid}.partial`;
  try {
    await writeFile(partial, form, { flag: "wx" });
    await utimes(partial, timeOf(source), timeOf(source));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { outcome: "written", byteLength: form.byteLength };
}

/** The next whole millisecond, in seconds: rounding must not make a form older than its file. */
function timeOf(source: SourceFile): number {
  return (Math.ceil(source.mtimeMs) + 0.0005) / 1000;
}

/** Reads a file once, however many forms are made of it. */
export function readOnce(path: string): () => Promise<Uint8Array> {
  let bytes: Promise<Uint8Array> | undefined;
  return () => (bytes ??= readFile(path));
}
