import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import { script } from "../load/script.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

export const scenario: Scenario = {
  name: "pipelined",
  title: "A hot 1 KB file, 16 requests at a time on each connection",
  // The limit answers once for all requests of one read, so it is no peer here.
  targets: ["tz-static", "nginx", "h2o", "lighttpd", "bun", "node-http"],
  run: (work, targets, settings) =>
    compareServers(
      {
        subject: "tz-static",
        targets,
        root: makeSite(work, { "style.css": styleSheet }),
        work,
        path: "/style.css",
        script: script("pipeline.lua", 16),
        inBatches: true,
        check: wrongStyleSheet,
      },
      settings,
    ),
};
