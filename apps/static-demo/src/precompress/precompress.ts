import { availableParallelism } from "node:os";
import { CODINGS, type Coding } from "./codings.js";
import { findFiles, type SourceFile } from "./find-files.js";
import { readOnce, writeForm } from "./write-forms.js";

/** What a run did. */
export interface PrecompressSummary {
  files: number;
  written: number;
  current: number;
  useless: number;
  /** Of the files that have a form now. */
  sourceBytes: number;
  /** Of their smallest forms. */
  formBytes: number;
  readonly failures: { readonly path: string; readonly message: string }[];
}

export interface PrecompressProgress {
  /** All files are known. */
  begin(files: number, bytes: number): void;
  advance(bytes: number): void;
  end(): void;
}

export interface PrecompressOptions {
  /** Files that are worked on at a time. Default: one per core. */
  readonly concurrency?: number;
  readonly codings?: readonly Coding[];
  readonly progress?: PrecompressProgress;
}

/**
 * Writes compressed forms beside the files of a directory. Files that cannot be read or written are told in the
 * summary; the others go on.
 */
export async function precompress(
  directory: string,
  options: PrecompressOptions = {},
): Promise<PrecompressSummary> {
  const { concurrency = availableParallelism(), codings = CODINGS, progress } = options;
  const summary: PrecompressSummary = {
    files: 0,
    written: 0,
    current: 0,
    useless: 0,
    sourceBytes: 0,
    formBytes: 0,
    failures: [],
  };
  const files: SourceFile[] = [];
  for await (const file of findFiles(directory)) files.push(file);
  progress?.begin(
    files.length,
    files.reduce((sum, { byteLength }) => sum + byteLength, 0),
  );
  const queue = files.values();
  const worker = async (): Promise<void> => {
    for (const file of queue) {
      await compressFile(file, codings, summary);
      progress?.advance(file.byteLength);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  progress?.end();
  return summary;
}

async function compressFile(
  file: SourceFile,
  codings: readonly Coding[],
  summary: PrecompressSummary,
): Promise<void> {
  summary.files++;
  const read = readOnce(file.path);
  let smallest = file.byteLength;
  try {
    for (const coding of codings) {
      const { outcome, byteLength } = await writeForm(file, coding, read);
      summary[outcome]++;
      smallest = Math.min(smallest, byteLength);
    }
  } catch (error) {
    summary.failures.push({ path: file.path, message: (error as Error).message });
    return;
  }
  summary.sourceBytes += file.byteLength;
  summary.formBytes += smallest;
}
