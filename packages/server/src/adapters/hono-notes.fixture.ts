import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bodyLimit } from "hono/body-limit";
import { getSignedCookie, setSignedCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { HTTPException } from "hono/http-exception";
import { poweredBy } from "hono/powered-by";
import { secureHeaders } from "hono/secure-headers";
import { streamSSE } from "hono/streaming";
import { validator } from "hono/validator";

interface Note {
  readonly id: number;
  readonly text: string;
}

/** A small service as people write them with Hono: its middleware, validators, sub-apps, sessions, events. */
export function honoNotes(): Hono {
  const notes = new Map<number, Note>([[1, { id: 1, text: "first" }]]);
  const api = new Hono();
  api.use(cors({ origin: "https://app.example", credentials: true }), etag());
  api.get("/notes", (c) => c.json([...notes.values()]));
  api.get("/notes/:id{[0-9]+}", (c) => {
    const note = notes.get(Number(c.req.param("id")));
    if (note === undefined) throw new HTTPException(404, { message: "no such note" });
    return c.json(note);
  });
  const asNote = validator("json", (value, c) =>
    typeof value.text === "string"
      ? { text: value.text as string }
      : c.json({ error: "text is missing" }, 422),
  );
  api.post("/notes", bodyLimit({ maxSize: 1000 }), asNote, (c) => {
    const note = { id: notes.size + 1, text: c.req.valid("json").text };
    notes.set(note.id, note);
    return c.json(note, 201, { Location: `/notes/${note.id}` });
  });
  api.delete("/notes/:id", (c) => c.body(null, notes.delete(Number(c.req.param("id"))) ? 204 : 404));

  const app = new Hono();
  app.use(secureHeaders(), poweredBy());
  app.route("/api", api);
  app.use("/admin/*", basicAuth({ username: "root", password: "secret", realm: "notes" }));
  app.get("/admin/count", (c) => c.text(String(notes.size)));
  app.post("/login", async (c) => {
    const { name } = await c.req.parseBody();
    await setSignedCookie(c, "session", String(name), "a secret", {
      httpOnly: true,
      path: "/",
      sameSite: "Lax",
    });
    return c.redirect("/me", 303);
  });
  app.get("/me", async (c) => c.text((await getSignedCookie(c, "a secret", "session")) || "nobody"));
  app.get("/events", (c) =>
    streamSSE(c, async (out) => {
      for (let id = 0; id < 3; id++)
        await out.writeSSE({ id: String(id), event: "tick", data: `line ${id}\nmore` });
    }),
  );
  app.onError((error, c) =>
    error instanceof HTTPException ? error.getResponse() : c.json({ error: error.message }, 500),
  );
  app.get("/broken", () => {
    throw new Error("on purpose");
  });
  app.notFound((c) => c.json({ error: `nothing at ${c.req.path}` }, 404));
  return app;
}
