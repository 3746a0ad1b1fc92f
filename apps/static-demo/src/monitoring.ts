import { type App, logFile, monitoring, ServerError, type ServerOptions } from "@tz/server";
import { addDashboard } from "./dashboard.js";
import type { MonitoringConfig } from "./monitoring-flags.js";
import { UsageError } from "./usage-error.js";

/** What the server must count for what is told. */
export function statsOptions({ metrics, dashboard }: MonitoringConfig): NonNullable<ServerOptions["stats"]> {
  return metrics || dashboard ? { paths: dashboard } : false;
}

/** @throws UsageError when the file cannot be written */
export function accessLogOptions({ accessLog }: MonitoringConfig): NonNullable<ServerOptions["accessLog"]> {
  if (accessLog === undefined) return false;
  const { file, format } = accessLog;
  try {
    return { format, write: logFile(file) };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new UsageError(`--access-log: ${error.message}; DIR goes in front of --access-log`);
  }
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
