import { createServer, json } from "@tz/server";
import { staticMount, toNodeHandler } from "@tz/static";

const app = createServer({ maxConnections: 100 });
app.get("/users/:id", (request) => {
  const id: string = request.params.id;
  return json({ id });
});
app.mount(staticMount("/assets", ".", { maxAge: 60 }));
export const handler = toNodeHandler(staticMount("/", "."));
export default app;
