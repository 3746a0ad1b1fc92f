/** A mount while the locations of a server are read, and what becomes of it. */
import type { StaticOptions } from "@tz/static";
import type { Directive } from "./directive.js";
import { type FieldSet, flat } from "./field-set.js";
import type { Report } from "./report.js";

export interface PlannedMount extends StaticOptions {
  readonly prefix?: string;
  readonly root: string;
}

/** A mount in the making. */
export interface MountDraft {
  /** Ends with a slash. */
  readonly prefix: string;
  readonly dir: string;
  readonly shape: StaticOptions;
  readonly fields: FieldSet;
  /** `^~`: extensions of the server are not asked. */
  readonly isFinal: boolean;
  readonly rules: [glob: string, fields: Readonly<Record<string, string>>][];
  readonly deny: string[];
  /** What is missing is answered by the page of `error_page 404 =200`. */
  readonly hasPageForMissing: boolean;
  /** What it was made from. */
  readonly directive: Directive;
}

/** The mount that answers for a path: the one with the longest prefix. */
export function enclosing(drafts: readonly MountDraft[], path: string): MountDraft | undefined {
  return drafts
    .filter(({ prefix }) => path.startsWith(prefix))
    .reduce<MountDraft | undefined>(
      (best, each) => (best && best.prefix.length > each.prefix.length ? best : each),
      undefined,
    );
}

export function finished({ prefix, dir, shape, fields, rules, deny }: MountDraft): PlannedMount {
  const { cacheControl, withFiles, always } = fields;
  const headers = Object.fromEntries([
    ...(Object.keys(withFiles).length > 0 ? [["**", withFiles] as const] : []),
    ...rules,
  ]);
  const place = prefix === "/" ? "/" : encodeURI(prefix.slice(0, -1));
  return {
    ...(place !== "/" && { prefix: place }),
    root: dir,
    ...shape,
    // Without a word of the configuration nginx says nothing about caching.
    cacheControl: cacheControl ?? false,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(always).length > 0 && { securityHeaders: always }),
    ...(deny.length > 0 && { deny }),
  };
}

/** What files of a place get beside what its own block says, by name: from the mount and from rules that reach there. */
export function fieldsAround(draft: MountDraft, glob: string): ReadonlyMap<string, ReadonlySet<string>> {
  const around = new Map<string, Set<string>>();
  const reaching = draft.rules.filter(([other]) => mayMeet(other, glob)).map(([, fields]) => fields);
  for (const fields of [flat(draft.fields), ...reaching]) {
    for (const [name, value] of Object.entries(fields)) {
      around.set(name, (around.get(name) ?? new Set()).add(value));
    }
  }
  return around;
}

/** Fields that nginx does not send in a block, because it has fields of its own, and a mount would. */
export function lostFields(draft: MountDraft, glob: string, fields: FieldSet): string[] {
  const own = flat(fields);
  return [...fieldsAround(draft, glob).keys()].filter((name) => own[name] === undefined);
}

/** Fields for the files of a glob, where they differ from those around. */
export function addRule(
  draft: MountDraft,
  glob: string,
  fields: FieldSet,
  directive: Directive,
  report: Report,
): void {
  const around = fieldsAround(draft, glob);
  const added = Object.fromEntries(
    Object.entries(flat(fields)).filter(([name, value]) => {
      const values = around.get(name);
      return values?.size !== 1 || !values.has(value);
    }),
  );
  const lost = lostFields(draft, glob, fields);
  if (lost.length > 0) {
    report.note(
      directive,
      `${lost.join(", ")}: nginx does not send what is said around a block with fields of its own; tz does`,
    );
  }
  if (Object.keys(added).length > 0) draft.rules.push([glob, added]);
}

/** May one file be meant by both globs? Folders (`/a/**`), files (`/a/b`) and extensions (`*.css`, below a folder too). */
function mayMeet(a: string, b: string): boolean {
  const [one, other] = [partsOf(a), partsOf(b)];
  const isNested = one.folder.startsWith(other.folder) || other.folder.startsWith(one.folder);
  const namesMeet =
    one.names === undefined ||
    other.names === undefined ||
    one.names.some((name) => other.names?.some((each) => name.endsWith(each) || each.endsWith(name)));
  const holds = (file: string | undefined, { folder }: { folder: string }) =>
    file === undefined || file.startsWith(folder);
  return isNested && namesMeet && holds(one.file, other) && holds(other.file, one);
}

interface GlobParts {
  /** Ends with a slash. */
  readonly folder: string;
  /** One file alone. */
  readonly file: string | undefined;
  /** What the names end with; `undefined` is everything. */
  readonly names: readonly string[] | undefined;
}

function partsOf(glob: string): GlobParts {
  const last = glob.slice(glob.lastIndexOf("/") + 1);
  const stars = glob.indexOf("**");
  const folder = stars < 0 ? glob.slice(0, glob.lastIndexOf("/") + 1) || "/" : glob.slice(0, stars) || "/";
  if (last === "**") return { folder, file: undefined, names: undefined };
  const [, list] = /^\*\.\{(.*)\}$/.exec(last) ?? [];
  if (list !== undefined)
    return { folder, file: undefined, names: list.split(",").map((each) => `.${each}`) };
  if (last.startsWith("*.")) return { folder, file: undefined, names: [last.slice(1)] };
  return { folder: "/", file: glob, names: [last] };
}
