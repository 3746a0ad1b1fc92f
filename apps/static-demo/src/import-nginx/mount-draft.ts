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

/** Fields for the files of a glob, where they differ from those of the mount. */
export function addRule(
  draft: MountDraft,
  glob: string,
  fields: FieldSet,
  directive: Directive,
  report: Report,
): void {
  const around = flat(draft.fields);
  const own = flat(fields);
  const added = Object.fromEntries(Object.entries(own).filter(([name, value]) => around[name] !== value));
  const lost = Object.keys(around).filter((name) => own[name] === undefined);
  if (lost.length > 0) {
    report.note(
      directive,
      `${lost.join(", ")}: nginx does not send what is said around a block with fields of its own; tz does`,
    );
  }
  if (Object.keys(added).length > 0) draft.rules.push([glob, added]);
}
