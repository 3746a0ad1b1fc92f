import { hashPassword, type UsersFile } from "@tz/cloudterm";
import type { Config } from "../config/config-table.js";
import { hashSchemeOf } from "../hash-scheme.js";
import { readNewPassword } from "../users/read-password.js";

/**
 * Makes the first administrator where somebody sits in front of the terminal.
 * @throws UsageError, CloudtermError
 */
export async function askAdmin(users: UsersFile, config: Config): Promise<void> {
  process.stderr.write("First run: there are no users yet. The administrator is called admin.\n");
  const password = await readNewPassword("admin (empty: set it in the browser)");
  try {
    if (password.length === 0) return;
    await users.add({
      name: "admin",
      role: "admin",
      hash: await hashPassword(password, hashSchemeOf(config)),
    });
  } finally {
    password.fill(0);
  }
}
