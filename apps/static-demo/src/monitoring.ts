import { type App, monitoring, type ServerOptions } from "@tz/server";
import { addDashboard } from "./dashboard.js";
import type { MonitoringConfig } from "./monitoring-flags.js";

/** What the server must count for what is told. */
export function statsOptions({ metrics, dashboard }: MonitoringConfig): NonNullable<ServerOptions["stats"]> {
  return metrics || dashboard ? { paths: dashboard } : false;
}

/**
 * Adds the routes that were asked for.
 * @param of the server that is told of
 */
export function addMonitoring(
  app: App,
  { metrics, health, dashboard }: MonitoringConfig,
  { of = app, allow = "local" }: { readonly of?: App; readonly allow?: "local" | "all" } = {},
): void {
  const paths = {
    metrics: metrics && "/metrics",
    health: health && "/health",
    ready: health && "/ready",
  } as const;
  monitoring(app, { ...paths, allow, of });
  if (dashboard) addDashboard(app, { of, allow });
}
