// Run by Bun: `bun run json-routes.mjs PORT`.
import { checkNewUser } from "../routes/new-user.mjs";

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  routes: {
    "/users/:id": {
      GET: (request) => Response.json({ id: request.params.id }),
      async POST(request) {
        const body = await request.json();
        if (!checkNewUser.Check(body))
          return Response.json({ title: "Unprocessable Content" }, { status: 422 });
        return Response.json({ id: request.params.id, name: body.name, email: body.email });
      },
    },
  },
});
