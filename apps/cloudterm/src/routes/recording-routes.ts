import { CloudtermError, type Recording } from "@tz/cloudterm";
import type { ResponsePlan } from "@tz/http1";
import { type App, bytes, type ServerRequest } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { reply } from "../replies.js";
import { addressOf, identityOf } from "../request-guard.js";

const ASCIICAST = "application/x-asciicast";

type OfRecording = ServerRequest<{ readonly id: string }>;

/** Everybody's own recordings: list, play, delete. They begin with the terminal: see terminal-routes.ts. */
export function addRecordingRoutes(app: App, parts: GatewayParts, base: string): void {
  const { recordings, peers } = parts;
  const own = (request: OfRecording): Recording | undefined => {
    const recording = recordings.get(request.params.id);
    return recording?.user === identityOf(request).user.name ? recording : undefined;
  };
  /** What is not here another gateway on the same Redis may have. */
  const elsewhere = async (request: OfRecording): Promise<ResponsePlan> => {
    const { session } = identityOf(request);
    const claims = { session: session.record, address: request.client.address };
    const answer = await peers?.forwardToAny(request as unknown as ServerRequest, claims);
    if (answer !== undefined) return answer;
    throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", "there is no such recording of yours");
  };

  app.get(`${base}/api/recordings`, async (request) => {
    const { user, session } = identityOf(request);
    const own = recordings.list(user.name);
    if (peers === undefined || peers.claimsOf(request) !== undefined)
      return reply(parts, { recordings: own, silent: 0 });
    const claims = { session: session.record, address: request.client.address };
    const { answers, silent } = await peers.askAll("/api/recordings", claims);
    const all = [...own, ...answers.flatMap(({ body }) => body.recordings as Recording[])];
    return reply(parts, { recordings: all.sort((a, b) => b.createdMs - a.createdMs), silent });
  });

  app.get(`${base}/api/recordings/:id`, async (request) => {
    const recording = own(request);
    if (recording === undefined) return elsewhere(request);
    const cast = await recordings.read(recording.id);
    return bytes(cast, { type: ASCIICAST, fields: ["Cache-Control", "no-store", ...parts.fields] });
  });

  app.delete(`${base}/api/recordings/:id`, async (request) => {
    const recording = own(request);
    if (recording === undefined) return elsewhere(request);
    const { id, terminal, user } = recording;
    await recordings.delete(id);
    parts.audit.write({
      event: "recording.deleted",
      user,
      address: addressOf(parts, request),
      terminal,
      recording: id,
    });
    return reply(parts, {});
  });
}
