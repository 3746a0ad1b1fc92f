import { readFileSync, writeFileSync } from "node:fs";
import { type Report, summaryTable } from "./markdown.js";

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
