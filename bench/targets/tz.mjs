// The handler server of this project, as a target:
//   node bench/targets/tz.mjs --port N [--loop epoll|node]
// GET /plaintext, GET /json, GET /users/:id, POST /users (validated), WebSocket echo on any upgrade request;
// anything else: 200 and the request's body.
import { parseArgs } from "node:util";
import { ResponseHead } from "@tz/http1";
import { createServer, webSocket } from "@tz/server";
import { problemsOfUser } from "./routes/user.mjs";

const encoder = new TextEncoder();

/** A plan of bytes. HEAD is the server's business: it sends the head only. */
function bytesPlan(status, type, bytes) {
  const head = new ResponseHead(status, ["Content-Type", type, "Content-Length", String(bytes.byteLength)]);
  return { head, body: { kind: "bytes", bytes } };
}

const jsonPlan = (status, value, type = "application/json") =>
  bytesPlan(status, type, encoder.encode(JSON.stringify(value)));

const problemPlan = (status, title, errors) =>
  jsonPlan(status, { title, status, errors }, "application/problem+json");

const plaintext = bytesPlan(200, "text/plain; charset=utf-8", encoder.encode("Hello, World!"));

function getRoute(path) {
  if (path === "/plaintext") return plaintext;
  if (path === "/json") return jsonPlan(200, { message: "Hello, World!" });
  const id = /^\/users\/([^/]+)$/.exec(path)?.[1];
  if (id === undefined) return undefined;
  try {
    return jsonPlan(200, { id: decodeURIComponent(id) });
  } catch {
    return problemPlan(400, "Bad Request", ["/id is not well percent-encoded"]);
  }
}

async function createUser(request) {
  let user;
  try {
    user = JSON.parse(await request.text());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return problemPlan(400, "Bad Request", ["the body is not JSON"]);
  }
  const problems = problemsOfUser(user);
  return problems.length > 0 ? problemPlan(422, "Unprocessable Content", problems) : jsonPlan(201, user);
}

async function echo(request) {
  return bytesPlan(200, request.field("content-type") ?? "application/octet-stream", await request.bytes());
}

/** Sends every message back from where it was received. */
const webSocketEcho = webSocket(
  { onMessage: (socket, bytes, start, end, isText) => socket.sendRange(bytes, start, end, isText) },
  { deflate: true, connection: { maxMessageBytes: 64 * 1024 * 1024, maxBufferedBytes: 256 * 1024 * 1024 } },
);

function handle(request) {
  if (request.upgrade && request.field("upgrade").toLowerCase() === "websocket")
    return webSocketEcho(request);
  const { method, path } = request;
  if (method === "GET" || method === "HEAD") {
    const plan = getRoute(path);
    if (plan !== undefined) return plan;
  } else if (method === "POST" && path === "/users") return createUser(request);
  return echo(request);
}

async function serve({ port, loop }) {
  const app = createServer({ loop }).handle(handle);
  const address = await app.listen({ host: "127.0.0.1", port });
  console.log(`Listening on http://${address.host}:${address.port}/`);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => app.close({ timeoutMs: 2000 }).then(() => process.exit(0)));
  }
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { port: { type: "string", default: "8005" }, loop: { type: "string", default: "auto" } },
  });
  await serve({ port: Number(values.port), loop: values.loop });
}

/** @type {import("../harness/target.ts").Target} */
export const target = {
  name: "tz",
  about: "this project's handlers, epoll loop",
  probe: () => ({ version: `Node ${process.versions.node}` }),
  command: ({ port }) => [process.execPath, import.meta.filename, "--port", String(port), "--loop", "epoll"],
};
