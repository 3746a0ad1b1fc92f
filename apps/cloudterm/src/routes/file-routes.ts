import { CloudtermError, type TerminalFiles } from "@tz/cloudterm";
import { type App, stream } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { reply } from "../replies.js";
import { addressOf, identityOf } from "../request-guard.js";
import { atHome, type OfTerminal } from "./at-home.js";

/** Files beside a terminal of one's own: list, fetch, send. */
export function addFileRoutes(app: App, parts: GatewayParts, base: string): void {
  const { maxFileBytes } = parts.config;
  const filesOf = (request: OfTerminal): TerminalFiles => {
    const terminal = parts.terminals.get(request.params.id);
    if (terminal?.user !== identityOf(request).user.name)
      throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", "there is no such terminal of yours");
    if (terminal.files === undefined)
      throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", "there are no files beside this terminal");
    return terminal.files;
  };
  const note = (request: OfTerminal, event: string, detail: object) =>
    parts.audit.write({
      event,
      user: identityOf(request).user.name,
      address: addressOf(parts, request),
      terminal: request.params.id,
      ...detail,
    });
  const pathOf = (request: OfTerminal): string => request.query.get("path") ?? "";

  app.get(
    `${base}/api/terminals/:id/files`,
    atHome(parts, async (request: OfTerminal) => {
      const path = pathOf(request);
      return reply(parts, { path, maxFileBytes, entries: await filesOf(request).list(path) });
    }),
  );

  app.get(
    `${base}/api/terminals/:id/file`,
    atHome(parts, async (request: OfTerminal) => {
      request.keep();
      const path = pathOf(request);
      const { name, byteLength, chunks } = await filesOf(request).read(path, maxFileBytes);
      note(request, "file.fetched", { path, bytes: byteLength });
      return stream(chunks, {
        length: byteLength,
        // Never shown as a page of this origin.
        type: "application/octet-stream",
        fields: [
          "Content-Disposition",
          `attachment; filename*=UTF-8''${encoded(name)}`,
          "Cache-Control",
          "no-store",
          ...parts.fields,
        ],
      });
    }),
  );

  app.put(
    `${base}/api/terminals/:id/file`,
    { maxBodyBytes: maxFileBytes },
    atHome(parts, async (request: OfTerminal) => {
      request.keep();
      const path = pathOf(request);
      const overwrite = request.query.get("overwrite") === "true";
      const chunks = request.body ?? none();
      const bytes = await filesOf(request).save(path, chunks, { maxBytes: maxFileBytes, overwrite });
      note(request, "file.sent", { path, bytes });
      return reply(parts, { bytes }, { status: 201 });
    }),
  );
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** RFC 8187 §3.2. */
function encoded(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
