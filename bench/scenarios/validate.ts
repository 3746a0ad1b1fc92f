import { compareServers } from "../harness/compare-servers.js";
import { exchange } from "../harness/exchange.js";
import type { Scenario } from "../harness/scenario.js";
import { script } from "../load/script.js";
import { newUser, routeTargets, wrongJson } from "../site/users.js";

const post = (port: number, body: string) =>
  [
    "POST /users/42 HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n");

export const scenario: Scenario = {
  name: "validate",
  title: "A JSON route with one parameter and a validated body of 84 bytes, keep-alive",
  targets: routeTargets,
  run: (work, targets, settings) =>
    compareServers(
      {
        subject: "tz-route",
        targets,
        root: work,
        work,
        path: "/users/42",
        script: script("post.lua", newUser),
        request: (port) => post(port, newUser),
        check: (answer) => wrongJson(answer, { id: "42", name: "Ada Lovelace", email: "ada@example.org" }),
        // Who does not check is no peer.
        async prove(port) {
          const { status } = await exchange(port, post(port, newUser.replace("ada@example.org", "nobody")));
          if (status < 400 || status > 499) throw new Error(`a body that does not fit is answered ${status}`);
        },
      },
      settings,
    ),
};
