import { CloudtermError, type Recording } from "@tz/cloudterm";
import { type App, bytes, type ServerRequest } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { reply } from "../replies.js";
import { identityOf } from "../request-guard.js";

const ASCIICAST = "application/x-asciicast";

/** Everybody's own recordings: list, play, delete. They begin with the terminal: see terminal-routes.ts. */
export function addRecordingRoutes(app: App, parts: GatewayParts, base: string): void {
  const { recordings } = parts;
  const own = (request: ServerRequest<{ readonly id: string }>): Recording => {
    const recording = recordings.get(request.params.id);
    if (recording?.user === identityOf(request).user.name) return recording;
    throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", "there is no such recording of yours");
  };

  app.get(`${base}/api/recordings`, async (request) => {
    return reply(parts, { recordings: recordings.list(identityOf(request).user.name) });
  });

  app.get(`${base}/api/recordings/:id`, async (request) => {
    const cast = await recordings.read(own(request).id);
    return bytes(cast, { type: ASCIICAST, fields: ["Cache-Control", "no-store", ...parts.fields] });
  });

  app.delete(`${base}/api/recordings/:id`, async (request) => {
    const { id, terminal, user } = own(request);
    await recordings.delete(id);
    parts.audit.write({
      event: "recording.deleted",
      user,
      address: request.client.address,
      terminal,
      recording: id,
    });
    return reply(parts, {});
  });
}
