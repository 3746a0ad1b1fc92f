import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsersFile } from "@tz/cloudterm";
import { stopOnSignals } from "@tz/server";
import type { Config } from "./config/config-table.js";
import { DataFolder } from "./data-folder.js";
import { askAdmin } from "./first-run/ask-admin.js";
import { setupLink } from "./first-run/setup-link.js";
import { Gateway } from "./gateway.js";
import { explainListenFailure } from "./listen-failure.js";
import { UsageError } from "./usage-error.js";

/** Beside the built program; `TZ_CLOUDTERM_WEB` is for tests, which run the sources. */
function webFolder(): string {
  const web = process.env.TZ_CLOUDTERM_WEB ?? fileURLToPath(new URL("./web", import.meta.url));
  if (!existsSync(join(web, "index.html")))
    throw new UsageError(`${web} has no index.html: is the program built?`);
  return web;
}

/**
 * Serves until a signal. Resolves once the gateway listens and the ready line is out.
 * @throws UsageError
 */
export async function serve(config: Config): Promise<void> {
  const web = webFolder();
  const users = new UsersFile(config.users || new DataFolder(config.data).users);
  if (users.size === 0 && process.stdin.isTTY === true) await askAdmin(users, config);
  const gateway = await Gateway.start(config, web).catch((error: unknown) => {
    throw explainListenFailure(error, config);
  });
  stopOnSignals(async () => {
    console.error("Stopping: terminals are ended …");
    await gateway.close();
  });
  // Whoever started us may wait for this line and read the port from it.
  console.log(`Listening on ${gateway.url}`);
  if (users.size === 0) {
    console.log(`First run: set the administrator's password, once and within an hour, at`);
    console.log(`  ${await setupLink(gateway.parts.tickets, gateway.url)}`);
  }
}
