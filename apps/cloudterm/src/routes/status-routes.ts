import { createHash, timingSafeEqual } from "node:crypto";
import { CloudtermError } from "@tz/cloudterm";
import { type App, bytes } from "@tz/server";
import type { GatewayParts } from "../gateway-parts.js";
import { reply } from "../replies.js";
import { identify } from "../request-guard.js";

export const PUBLIC_STATUS_PATHS = ["health", "metrics"];

export function addStatusRoutes(app: App, parts: GatewayParts, base: string): void {
  // 200 also without Redis: open terminals go on, and another gateway would have no other Redis.
  app.get(`${base}/health`, () =>
    reply(parts, parts.storeAnswers() ? { status: "ok" } : { status: "degraded", store: "away" }),
  );

  app.get(`${base}/metrics`, async (request) => {
    const { config, terminals, metrics, queue } = parts;
    const given = /^Bearer (\S+)$/i.exec(request.field("authorization") ?? "")?.[1];
    const hasToken = config.metricsToken !== "" && given !== undefined && isSame(given, config.metricsToken);
    if (!hasToken) {
      const identity = await identify(parts, request);
      if (identity === undefined) throw new CloudtermError("TZ_CLOUDTERM_SESSION");
      if (identity.user.role !== "admin") throw new CloudtermError("TZ_CLOUDTERM_FORBIDDEN");
    }
    const all = terminals.all;
    const text = metrics.text({
      connections: ["Open connections.", app.stats().connections],
      terminals: ["Terminals that run.", all.filter(({ ended }) => ended === undefined).length],
      viewers: ["Sockets at terminals.", all.reduce((sum, { viewers }) => sum + viewers.size, 0)],
      terminal_bytes: ["Memory of terminal output.", all.reduce((sum, { ringBytes }) => sum + ringBytes, 0)],
      hashes_waiting: ["Passwords that wait to be verified.", queue.waiting],
      store_up: ["1 when what logins are kept in can be reached.", Number(parts.storeAnswers())],
      users: ["Users.", parts.users.size],
      memory_bytes: ["Resident memory of the process.", process.memoryUsage.rss()],
    });
    return bytes(Buffer.from(text), {
      type: "text/plain; version=0.0.4; charset=utf-8",
      fields: ["Cache-Control", "no-store", ...parts.fields],
    });
  });
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
