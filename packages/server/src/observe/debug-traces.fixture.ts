import { createServer } from "../app.js";
import type { LoopChoice } from "../options.js";

/** A server with narrow limits. argv: loop. */
const app = createServer({ loop: process.argv[2] as LoopChoice, maxBodyBytes: 10, maxRequestLineBytes: 256 });
app.get("/users/:id", ({ params }) => `user ${params.id}`);
app.get("/broken", () => {
  throw new TypeError("on\npurpose");
});
app.post("/", async (request) => await request.text());
const { port } = await app.listen({ port: 0 });
process.send!({ port });
process.once("message", () => void app.close({ timeoutMs: 100 }).then(() => process.disconnect()));
