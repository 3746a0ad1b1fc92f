import { fileURLToPath } from "node:url";
import { type App, createServer, json } from "@tz/server";
import { staticMount } from "@tz/static";

interface Note {
  readonly id: number;
  readonly text: string;
}

const TEXT_MAX = 200;
/** `dist/` and `src/` lie beside `public/`. */
const publicFolder = fileURLToPath(new URL("../public", import.meta.url));

export function createApp(): App {
  const app = createServer();
  const notes: Note[] = [];

  app.get("/api/notes", () => json(notes));

  app.get("/api/notes/:id", (request) => {
    const note = notes.find(({ id }) => id === Number(request.params.id));
    return note ? json(note) : json({ title: "no such note" }, { status: 404 });
  });

  app.post("/api/notes", async (request) => {
    const { text } = ((await request.json()) ?? {}) as { text?: unknown };
    if (typeof text !== "string" || text === "" || text.length > TEXT_MAX) {
      return json({ title: `text must be a string of 1 to ${TEXT_MAX} characters` }, { status: 422 });
    }
    const note = { id: notes.length + 1, text };
    notes.push(note);
    return json(note, { status: 201 });
  });

  // Behind the routes: everything else is a file.
  app.mount(staticMount("/", publicFolder, { compress: true, securityHeaders: true }));
  return app;
}
