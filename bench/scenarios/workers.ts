import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

/**
 * What a second worker costs beside its own work: a supervisor, shared memory, two of everything in the processor's
 * caches. What two processes cost that share nothing is beside it: that part is not ours to save.
 */
export const scenario: Scenario = {
  name: "workers",
  title: "A hot 1 KB file from one process, and from two workers on the same core",
  targets: ["tz-static-2", "tz-static", "tz-pair"],
  run: (work, targets, settings) =>
    compareServers(
      {
        subject: "tz-static-2",
        targets,
        root: makeSite(work, { "style.css": styleSheet }),
        work,
        path: "/style.css",
        check: wrongStyleSheet,
      },
      settings,
    ),
};
