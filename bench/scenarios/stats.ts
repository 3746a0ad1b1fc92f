import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

export const scenario: Scenario = {
  name: "stats",
  title: "What counting costs: a hot 1 KB file with and without the option `stats`",
  targets: ["tz-files-stats", "tz-files"],
  run: (work, targets, settings) =>
    compareServers(
      {
        subject: "tz-files-stats",
        targets,
        root: makeSite(work, { "style.css": styleSheet }),
        work,
        path: "/style.css",
        check: wrongStyleSheet,
      },
      settings,
    ),
};
