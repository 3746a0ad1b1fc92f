/**
 * Locations to mounts. A location that differs from the one around it in fields only becomes a glob of that mount;
 * one with another folder or other rules becomes a mount of its own.
 */
import type { StaticOptions } from "@tz/static";
import type { Directive } from "./directive.js";
import { directoryOf } from "./directives/files.js";
import { isServerErrorPage, withPagesThatAreThere } from "./error-page-places.js";
import { fieldSetOf } from "./field-set.js";
import { type IsFolder, withFoldersThatAreThere } from "./folders.js";
import { ofKind, type Place, type PlaceOf } from "./locations.js";
import {
  addRule,
  enclosing,
  finished,
  lostFields,
  type MountDraft,
  type PlannedMount,
} from "./mount-draft.js";
import { mountShape } from "./mount-shape.js";
import { Report } from "./report.js";
import type { Settings } from "./settings.js";

export function planMounts(
  server: Directive,
  outer: Settings,
  places: readonly Place[],
  isFolder: IsFolder,
  report: Report,
): PlannedMount[] {
  const exact = ofKind(places, "exact");
  const extensions = ofKind(places, "extensions");
  const drafts: MountDraft[] = [];
  const pagesOf = (settings: Settings) => withPagesThatAreThere(settings, exact, report);

  const root = ofKind(places, "prefix").find(({ match }) => match.path === "/");
  addRoot(root?.settings ?? outer, root?.directive ?? server);
  for (const place of byLength(ofKind(places, "prefix"))) if (place !== root) addPrefix(place);
  // Of two that match, nginx takes the first; of two globs the last one wins.
  for (const place of extensions.toReversed()) for (const draft of drafts) addExtensions(place, draft);
  for (const place of exact) addExact(place);
  for (const { settings, directive } of ofKind(places, "dotfiles")) {
    if (settings.denied === undefined)
      report.refuse(directive, 'dotfiles are for all of a mount: say "dotfiles": "allow"');
    else report.note(directive, "needs nothing: names that begin with a dot are 404, but for /.well-known");
  }
  return withFoldersThatAreThere(drafts, isFolder, report).map((draft) => finished(draft));

  function addRoot(settings: Settings, directive: Directive): void {
    if (settings.denied !== undefined) return;
    const dir = directoryOf(settings, "/");
    if (dir === undefined) {
      if (ofKind(places, "prefix").every(({ settings: own }) => own.folder === undefined)) {
        report.refuse(directive, "has no root; say which folder is served");
      }
      return;
    }
    drafts.push(draftOf("/", dir, pagesOf(settings), false, directive));
  }

  function draftOf(
    prefix: string,
    dir: string,
    settings: Settings,
    isFinal: boolean,
    directive: Directive,
  ): MountDraft {
    const shape = mountShape(settings, prefix, report);
    const hasPageForMissing = settings.errorPages?.some(({ isFound }) => isFound) === true;
    const fields = fieldSetOf(settings);
    return { prefix, dir, shape, fields, isFinal, rules: [], deny: [], hasPageForMissing, directive };
  }

  function addPrefix({ match, settings, directive }: PlaceOf<"prefix">): void {
    const prefix = match.path.endsWith("/") ? match.path : `${match.path}/`;
    const around = enclosing(drafts, prefix);
    const name = around && prefix.slice(around.prefix.length, -1);
    if (settings.denied !== undefined) {
      around?.deny.push(`/${name}/**`);
      noteDenied(settings.denied);
      return;
    }
    const dir = directoryOf(settings, match.path);
    if (dir === undefined) {
      report.refuse(directive, "has no root; say which folder is served");
      return;
    }
    if (drafts.some((draft) => draft.prefix === prefix)) {
      report.refuse(directive, "stands there twice; join them");
      return;
    }
    const hasOnlyFields =
      around !== undefined &&
      dir === joined(around.dir, name!) &&
      !(match.isFinal && extensions.length > 0) &&
      same(mountShape(pagesOf(settings), around.prefix, new Report()), around.shape) &&
      (looksLikeFile(match.path) || !needsOwnFields(around, `/${name}/**`, settings));
    if (hasOnlyFields) {
      addRule(around, `/${name}/**`, fieldSetOf(settings), directive, report);
      return;
    }
    if (looksLikeFile(match.path)) {
      report.refuse(directive, "a mount is a folder, this looks like one file");
      return;
    }
    drafts.push(draftOf(prefix, dir, pagesOf(settings), match.isFinal, directive));
  }

  /** A mount has all of its fields and no others; but its pages of errors lie below it. */
  function needsOwnFields(around: MountDraft, glob: string, settings: Settings): boolean {
    return (
      (settings.errorPages ?? []).length === 0 && lostFields(around, glob, fieldSetOf(settings)).length > 0
    );
  }

  function addExact({ match, settings, directive }: PlaceOf<"exact">): void {
    const around = enclosing(drafts, match.path);
    if (match.path.endsWith("/")) {
      report.note(directive, "left out: the index page is asked for by its own name");
      return;
    }
    if (around === undefined) {
      if (settings.denied === undefined) report.refuse(directive, "lies in no folder that is served");
      return;
    }
    const name = match.path.slice(around.prefix.length);
    if (settings.denied !== undefined) {
      around.deny.push(`/${name}`);
      noteDenied(settings.denied);
    } else if (directoryOf(settings, match.path) === joined(around.dir, name)) {
      addRule(around, `/${name}`, fieldSetOf(settings), directive, report);
    } else if (!isServerErrorPage(match.path, outer)) {
      report.refuse(directive, `a file of another folder; put it (or a link) at ${joined(around.dir, name)}`);
    }
  }

  function addExtensions(
    { match, settings, directive, within }: PlaceOf<"extensions">,
    draft: MountDraft,
  ): void {
    const glob = draft.isFinal ? undefined : globFor(match.extensions, within, draft);
    if (glob === undefined) return;
    if (settings.denied !== undefined) {
      draft.deny.push(glob);
      noteDenied(settings.denied);
      return;
    }
    if (directoryOf(settings, draft.prefix) !== draft.dir) {
      report.note(
        directive,
        `below ${draft.prefix} nginx looks for these files in another folder; they now come from ${draft.dir}`,
      );
    }
    const own = ofAnyFile(mountShape(pagesOf(settings), draft.prefix, new Report()));
    const all = ofAnyFile(draft.shape);
    const differing = [...new Set([...own.keys(), ...all.keys()])].filter(
      (name) => !same(own.get(name), all.get(name)),
    );
    if (differing.length > 0) {
      report.note(
        directive,
        `${differing.join(", ")}: a mount has one for all of its files; that of ${draft.prefix} stays`,
      );
    }
    addRule(draft, glob, fieldSetOf(settings), directive, report);
  }

  /** A location in a location is a mount of its own, or a folder of the mount around both. */
  function globFor(extensions: readonly string[], within: string, draft: MountDraft): string | undefined {
    const names = extensions.length === 1 ? `*.${extensions[0]}` : `*.{${extensions.join(",")}}`;
    const around = within.endsWith("/") ? within : `${within}/`;
    if (draft.prefix.startsWith(around)) return names;
    return enclosing(drafts, around) === draft
      ? `/${around.slice(draft.prefix.length)}**/${names}`
      : undefined;
  }

  function noteDenied(by: Directive): void {
    const status = by.name === "return" ? by.args[0] : by.name === "internal" ? "404" : "403";
    if (status !== "404") report.note(by, `the answer is 404, nginx says ${status}`);
  }
}

function looksLikeFile(path: string): boolean {
  return /\.\w+$/.test(path);
}

/** What navigations are answered with does not concern files that are there. */
function ofAnyFile(shape: StaticOptions): Map<string, unknown> {
  const { index, spaFallback, cleanUrls, ...rest } = shape;
  return new Map(Object.entries(rest));
}

function byLength<P extends PlaceOf<"prefix">>(places: readonly P[]): P[] {
  return [...places].sort((a, b) => a.match.path.length - b.match.path.length);
}

function joined(dir: string, name: string): string {
  return `${dir === "/" ? "" : dir}/${name}`;
}

/** Both are plain data with their keys in the same order. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
