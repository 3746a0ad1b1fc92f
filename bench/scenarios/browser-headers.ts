import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import { browserFields } from "../site/browser-request.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

export const scenario: Scenario = {
  name: "browser-headers",
  title: "The same file, asked for as a browser does, with 15 fields",
  targets: ["limit", "tz-static", "nginx", "h2o", "lighttpd", "bun", "node-http"],
  run: (work, targets, settings) =>
    compareServers(
      {
        subject: "tz-static",
        targets,
        root: makeSite(work, { "style.css": styleSheet }),
        work,
        path: "/style.css",
        requestFields: browserFields,
        check: wrongStyleSheet,
      },
      settings,
    ),
};
