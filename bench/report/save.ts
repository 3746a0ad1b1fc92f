import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Report, toMarkdown } from "./markdown.js";

/** Writes `NAME.json` and `NAME.md`; returns the Markdown. */
export function saveReport(report: Report, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const markdown = toMarkdown(report);
  writeFileSync(join(folder, `${report.scenario}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(join(folder, `${report.scenario}.md`), markdown);
  return markdown;
}
