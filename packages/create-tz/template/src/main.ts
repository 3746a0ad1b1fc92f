import { createApp } from "./app.js";

const app = createApp();
const { host, port } = await app.listen({
  host: process.env.HOST ?? "127.0.0.1",
  port: Number(process.env.PORT ?? 8080),
});
console.log(`Listening on http://${host}:${port}/`);

// Answers that are on their way are finished; then the process ends by itself.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => app.close());
