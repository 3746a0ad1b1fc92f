import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import { script } from "../load/script.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

const FILES = 10_000;
const FILES_TINY = 20;

export const scenario: Scenario = {
  name: "cold",
  title: "10,000 files of 1 KB in turn, nothing cached by the servers",
  targets: ["tz-static-cold", "nginx-cold"],
  run: (work, targets, settings) => {
    const count = settings.tiny ? FILES_TINY : FILES;
    const files = Array.from({ length: count }, (_, index) => [`${index}.css`, styleSheet] as const);
    return compareServers(
      {
        subject: "tz-static-cold",
        targets,
        root: makeSite(work, Object.fromEntries(files)),
        work,
        path: "/0.css",
        script: script("walk.lua", count),
        check: wrongStyleSheet,
      },
      settings,
    );
  },
};
