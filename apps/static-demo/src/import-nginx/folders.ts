/** Folders that a configuration names and that are not there: nginx starts and finds nothing below them. */
import { statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { enclosing, type MountDraft } from "./mount-draft.js";
import type { Report } from "./report.js";

export type IsFolder = (path: string) => boolean;

/**
 * `tz-static` does not start with a root that is not there, so such a mount is left out; the mount around it denies its
 * paths, unless it finds nothing there either. Where none of the folders is there, this is not the machine that serves,
 * and they all stay.
 */
export function withFoldersThatAreThere(
  drafts: readonly MountDraft[],
  isFolder: IsFolder,
  report: Report,
): readonly MountDraft[] {
  const isMissing = ({ dir }: MountDraft) => isAbsolute(dir) && !isFolder(dir);
  const left = drafts.filter((draft) => !isMissing(draft));
  if (left.length === drafts.length) return drafts;
  if (!left.some(({ dir }) => isAbsolute(dir))) {
    report.remark("the folders are not on this machine; tz-static starts where they are");
    return drafts;
  }
  for (const draft of drafts.filter(isMissing)) {
    const { prefix, dir, directive } = draft;
    const around = enclosing(left, prefix);
    if (around !== undefined && !answersAlike(draft, around, isFolder)) {
      around.deny.push(`/${prefix.slice(around.prefix.length)}**`);
    }
    report.note(
      directive,
      `left out: ${dir} is not there, so nothing below is found; make it and convert again`,
    );
  }
  return left;
}

/** Has the mount around it no such folder either, and the same answer for what is missing? */
function answersAlike(missing: MountDraft, around: MountDraft, isFolder: IsFolder): boolean {
  if (isFolder(join(around.dir, missing.prefix.slice(around.prefix.length)))) return false;
  return around.shape.spaFallback === undefined || missing.hasPageForMissing;
}

/** What may not be looked at is held to be there: nginx may be another user. */
export function isFolderHere(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    return !["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
  }
}
