import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

export const scenario: Scenario = {
  name: "hot",
  title: "A hot 1 KB file, keep-alive",
  targets: [
    "limit",
    "tz-static",
    "tz-static-node",
    "nginx",
    "h2o",
    "lighttpd",
    "caddy",
    "uws",
    "bun",
    "node-http",
    "sirv",
    "fastify-static",
    "express",
  ],
  run: (work, targets, settings) =>
    compareServers(
      {
        subject: "tz-static",
        targets,
        root: makeSite(work, { "style.css": styleSheet }),
        work,
        path: "/style.css",
        check: wrongStyleSheet,
      },
      settings,
    ),
};
