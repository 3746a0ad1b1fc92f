import express, { type Express, type NextFunction, type Request, type Response } from "express";

interface Note {
  readonly id: number;
  readonly text: string;
}

/** A small service as people write them with Express: parsers, routers, static files, negotiation, errors. */
export function expressNotes(folder: string): Express {
  const notes = new Map<number, Note>([[1, { id: 1, text: "first" }]]);
  const api = express.Router();
  api.use(express.json({ limit: 1000 }));
  api.param("id", (_request, response, next, id) => {
    const note = notes.get(Number(id));
    response.locals.note = note;
    next(note === undefined ? Object.assign(new Error("no such note"), { status: 404 }) : undefined);
  });
  api.get("/notes", (_request, response) => {
    response.json([...notes.values()]);
  });
  api
    .route("/notes/:id")
    .get((_request, response) => {
      response.json(response.locals.note);
    })
    .delete((request, response) => {
      notes.delete(Number(request.params.id));
      response.sendStatus(204);
    });
  api.post("/notes", (request, response) => {
    if (typeof request.body?.text !== "string") {
      response.status(422).json({ error: "text is missing" });
      return;
    }
    const note = { id: notes.size + 1, text: request.body.text as string };
    notes.set(note.id, note);
    response.status(201).location(`/notes/${note.id}`).json(note);
  });

  const app = express();
  app.set("query parser", "extended");
  app.use((request, response, next) => {
    response.vary("Accept").set("X-Request", `${request.method} ${request.originalUrl}`);
    next();
  });
  app.use("/api", api);
  app.use("/files", express.static(folder, { maxAge: 60_000, lastModified: false }));
  app.get("/negotiate", (_request, response) => {
    response.format({
      text: () => response.send("text"),
      html: () => response.send("<p>html</p>"),
      json: () => response.json({ as: "json" }),
    });
  });
  app.post("/login", express.urlencoded(), (request, response) => {
    response.cookie("session", request.body.name, { httpOnly: true, sameSite: "lax" }).redirect(303, "/me");
  });
  app.get("/me", (request, response) => {
    response.type("txt").send(request.get("cookie") ?? "nobody");
  });
  app.get("/query", (request, response) => {
    response.json(request.query);
  });
  app.get("/jsonp", (_request, response) => {
    response.jsonp({ a: 1 });
  });
  app.get("/download", (_request, response, next) => {
    response.download(
      `${folder}/a.txt`,
      "märz.txt",
      { lastModified: false },
      (error) => error && next(error),
    );
  });
  app.get("/ranged", (_request, response, next) => {
    response.sendFile(`${folder}/a.txt`, { lastModified: false }, (error) => error && next(error));
  });
  app.get("/broken", async () => {
    throw new Error("on purpose");
  });
  // As it is usual, and so that it is the app that says so, mounted or not.
  app.use((request, response) => {
    response.status(404).json({ error: `nothing at ${request.originalUrl}` });
  });
  app.use(
    (error: Error & { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
      response.status(error.status ?? 500).json({ error: error.message });
    },
  );
  return app;
}
