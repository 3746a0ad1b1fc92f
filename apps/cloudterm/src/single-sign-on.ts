import { CloudtermError, type User } from "@tz/cloudterm";
import type { ServerRequest } from "@tz/server";
import type { GatewayParts } from "./gateway-parts.js";

/**
 * The user whom somebody else has logged in: one of the users file; with `createUsers` a new one, who is no administrator
 * and has no password.
 * @throws CloudtermError `TZ_CLOUDTERM_LOGIN`
 */
export async function userOfSingleSignOn(
  { users, config, audit }: GatewayParts,
  name: string,
  request: ServerRequest,
  how: string,
): Promise<User> {
  const known = users.get(name);
  if (known !== undefined) return known;
  if (!config.createUsers) throw new CloudtermError("TZ_CLOUDTERM_LOGIN", `there is no user ${name} here`);
  try {
    const user = await users.add({ name, role: "user", hash: undefined });
    audit.write({ event: "user.added", user: name, address: request.client.address, how });
    return user;
  } catch (error) {
    // Two requests at once.
    const user = users.get(name);
    if (user === undefined) throw error;
    return user;
  }
}
