/** Prints the tables of docs/reference/http1.md; a test holds that page to them. `node --import tsx scripts/reference-tables.ts` */
import { PARSE_ERRORS } from "../src/errors.js";
import { CHUNKED_LIMITS, HEAD_LIMITS } from "../src/options.js";
import { RELAXATIONS } from "../src/relaxations.js";
import { WE_ACCEPT, WE_REFUSE } from "../src/testing/llhttp-differences.fixture.js";

const number = (value: number) =>
  value === Number.MAX_SAFE_INTEGER ? "2^53 - 1" : value.toLocaleString("en");
const table = (head: string[], rows: string[][]) =>
  [
    `| ${head.join(" | ")} |`,
    `|${head.map(() => "---").join("|")}|`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");

const limits = [...Object.entries(HEAD_LIMITS), ...Object.entries(CHUNKED_LIMITS)];
const sections: [string, string][] = [
  [
    "Errors",
    table(
      ["Code", "Status", "Rule", "When"],
      PARSE_ERRORS.map((row) => [`\`${row.code}\``, String(row.status), row.section, row.message]),
    ),
  ],
  [
    "Limits",
    table(
      ["Option", "Default", "Bounds", "Unit", "Is"],
      limits.map(([name, row]) => [
        `\`${name}\``,
        number(row.default),
        `${number(row.min)} … ${number(row.max)}`,
        row.unit,
        row.what,
      ]),
    ),
  ],
  [
    "Relaxations",
    table(
      ["Name", "Of", "Rule", "Accepts"],
      Object.entries(RELAXATIONS).map(([name, row]) => [
        `\`${name}\``,
        row.of.join(", "),
        row.section,
        row.what,
      ]),
    ),
  ],
  [
    "Refused by us, read by llhttp",
    table(
      ["Our error", "Rule", "Why"],
      Object.entries(WE_REFUSE).map(([code, row]) => [`\`${code}\``, row.section, row.why]),
    ),
  ],
  [
    "Read by us, refused by llhttp",
    table(
      ["llhttp's error", "Rule", "Why"],
      Object.entries(WE_ACCEPT).map(([code, row]) => [`\`${code}\``, row.section, row.why]),
    ),
  ],
];
for (const [title, text] of sections) console.log(`## ${title}\n\n${text}\n`);
