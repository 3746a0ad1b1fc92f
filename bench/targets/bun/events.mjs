// Run by Bun: `bun run events.mjs PORT`.
import { EventTotals } from "../routes/event.mjs";

const totals = new EventTotals();

async function count(request) {
  const error = totals.add(await request.json().catch(() => undefined));
  return error === undefined ? Response.json({ ok: true }) : Response.json({ error }, { status: 400 });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  routes: {
    "/event": { POST: count },
    "/stats": { GET: () => Response.json(totals.stats()) },
    "/reset": {
      POST() {
        totals.reset();
        return Response.json({ ok: true });
      },
    },
  },
});
