import { readFileSync, writeFileSync } from "node:fs";
import { type Report, summaryTable } from "./markdown.js";

/** What shows figures: in each of these, every place `<!-- bench NAME -->` is filled. */
export const READMES = ["README.md", "packages/server/README.md"].map(
  (file) => new URL(`../../${file}`, import.meta.url).pathname,
);

/**
 * Puts a report's short table between `<!-- bench NAME -->` and `<!-- /bench -->` of a Markdown file; a file
 * without that place stays as it is. So the figures that readers see are never typed by hand.
 */
export function publishInto(file: string, report: Report): void {
  const before = readFileSync(file, "utf8");
  writeFileSync(file, withTable(before, report));
}

export function withTable(text: string, report: Report): string {
  const place = new RegExp(`(<!-- bench ${report.scenario} -->\n)[\\s\\S]*?(<!-- /bench -->)`);
  return text.replace(place, (_all, start: string, end: string) => `${start}${summaryTable(report)}${end}`);
}
