import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

export const scenario: Scenario = {
  name: "https",
  title: "A hot 1 KB file over TLS 1.3, keep-alive",
  targets: ["tz-static-tls", "nginx-tls"],
  run: (work, targets, settings) =>
    compareServers(
      {
        subject: "tz-static-tls",
        targets,
        root: makeSite(work, { "style.css": styleSheet }),
        work,
        path: "/style.css",
        secure: true,
        check: wrongStyleSheet,
      },
      settings,
    ),
};
