import { createServer } from "node:http";
import { checkNewUser } from "./routes/new-user.mjs";
import { nodeTarget } from "./run/node-target.mjs";

function reply(response, status, value) {
  const body = JSON.stringify(value);
  response
    .writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) })
    .end(body);
}

function create(id, text, response) {
  const user = JSON.parse(text);
  if (!checkNewUser.Check(user)) return reply(response, 422, { title: "Unprocessable Content" });
  reply(response, 200, { id, name: user.name, email: user.email });
}

export const target = nodeTarget(import.meta, {
  name: "node-http-json",
  about: "node:http, the same answers by hand, compiled check",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const server = createServer((request, response) => {
      const id = decodeURIComponent(request.url.slice("/users/".length));
      if (request.method !== "POST") return reply(response, 200, { id });
      let text = "";
      request.setEncoding("utf8");
      request.on("data", (chunk) => (text += chunk));
      request.on("end", () => create(id, text, response));
    });
    server.keepAliveTimeout = 60_000;
    server.listen(port, "127.0.0.1");
  },
});
