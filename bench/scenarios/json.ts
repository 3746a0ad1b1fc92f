import { compareServers } from "../harness/compare-servers.js";
import type { Scenario } from "../harness/scenario.js";
import { routeTargets, wrongJson } from "../site/users.js";

export const scenario: Scenario = {
  name: "json",
  title: "A JSON route with one parameter, keep-alive",
  targets: routeTargets,
  run: (work, targets, settings) =>
    compareServers(
      {
        subject: "tz-route",
        targets,
        root: work,
        work,
        path: "/users/42",
        check: (answer) => wrongJson(answer, { id: "42" }),
      },
      settings,
    ),
};
