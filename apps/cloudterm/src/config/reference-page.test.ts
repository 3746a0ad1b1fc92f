import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { expect, test } from "vitest";
import { CONFIG, type ConfigRow, dashed } from "./config-table.js";

const page = readFileSync(new URL("../../../../docs/reference/cloudterm.md", import.meta.url), "utf8");

function allowed(row: ConfigRow): string {
  if (row.type === "number") return `${row.min} – ${row.max} ${row.unit}`;
  if (row.type === "flag") return "";
  return row.allowed ?? "";
}

function standard(row: ConfigRow): string {
  if (row.type === "flag") return "off";
  if (row.type === "list" || row.default === "") return "";
  // Where XDG_DATA_HOME says otherwise the page cannot know.
  const shown = String(row.default).endsWith("/tz-cloudterm")
    ? "~/.local/share/tz-cloudterm"
    : String(row.default);
  return `\`${shown.replace(homedir(), "~")}\``;
}

test("the reference page has every setting as the table has it, in its order", () => {
  const rows = Object.entries<ConfigRow>(CONFIG).map(([name, row]) => {
    const flag = row.type === "flag" ? `--${dashed(name)}` : `--${dashed(name)} <${row.value}>`;
    const cells = [`\`${flag}\``, standard(row), allowed(row), row.meaning];
    return `| ${cells.join(" | ").replaceAll("|  |", "| |").replaceAll("|  |", "| |")} |`;
  });
  expect(page.split("\n").filter((line) => line.startsWith("| `--"))).toEqual(rows);
});
