import { CloudtermError, checkUserName, hashPassword, UsersFile } from "@tz/cloudterm";
import { Command, CommanderError } from "commander";
import { addConfigOptions, resolveConfig } from "../config/read-config.js";
import { DataFolder } from "../data-folder.js";
import { hashSchemeOf } from "../hash-scheme.js";
import { UsageError } from "../usage-error.js";
import { readNewPassword } from "./read-password.js";

/**
 * `cloudterm user add|passwd|remove|list`, also while a gateway runs: it sees the change with its next request.
 * @param args what follows `user`
 * @throws UsageError
 */
export async function runUserCommand(args: readonly string[]): Promise<void> {
  const command = new Command("cloudterm user").description("Manages the users file.").exitOverride();
  const sub = (name: string, what: string) =>
    addConfigOptions(command.command(name).description(what), ["data", "users", "hashScheme"]).exitOverride();
  sub("add", "Adds a user; asks for the password, or reads a line from stdin.")
    .argument("<name>")
    .option("--admin", "may manage users and see the audit log")
    .action((name: string, flags: Record<string, unknown>) => add(name, flags));
  sub("passwd", "Sets another password and ends all logins of the user.")
    .argument("<name>")
    .action((name: string, flags: Record<string, unknown>) => changePassword(name, flags));
  sub("remove", "Removes a user and ends all logins.")
    .argument("<name>")
    .action((name: string, flags: Record<string, unknown>) => remove(name, flags));
  sub("list", "Lists the users.").action((flags: Record<string, unknown>) => list(flags));
  command.configureOutput({ writeErr: () => {} });
  try {
    await command.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return;
      throw new UsageError(
        args.length === 0 ? "user: add, passwd, remove or list?" : error.message.replace(/^error: /, ""),
      );
    }
    if (error instanceof CloudtermError) throw new UsageError(error.message);
    throw error;
  }
}

function open(flags: Record<string, unknown>) {
  const config = resolveConfig(flags);
  const path = config.users || new DataFolder(config.data).users;
  return { users: new UsersFile(path), scheme: hashSchemeOf(config) };
}

async function add(given: string, flags: Record<string, unknown>): Promise<void> {
  const name = checkUserName(given);
  const { users, scheme } = open(flags);
  // Before anybody types a password for nothing.
  if (users.get(name) !== undefined) throw new UsageError(`there is a user ${JSON.stringify(name)} already`);
  const password = await readNewPassword(name);
  try {
    const hash = await hashPassword(password, scheme);
    await users.add({ name, role: flags.admin === true ? "admin" : "user", hash });
  } finally {
    password.fill(0);
  }
  console.log(`Added ${name}.`);
}

async function changePassword(given: string, flags: Record<string, unknown>): Promise<void> {
  const name = checkUserName(given);
  const { users, scheme } = open(flags);
  if (users.get(name) === undefined) throw new UsageError(`there is no user ${JSON.stringify(name)}`);
  const password = await readNewPassword(name);
  try {
    const hash = await hashPassword(password, scheme);
    // Whoever knew the old password may have added a passkey.
    await users.update(name, () => ({ hash, sessionsFromMs: Date.now(), passkeys: [] }));
  } finally {
    password.fill(0);
  }
  console.log(`Changed the password of ${name}; all logins are over, passkeys are removed.`);
}

async function remove(given: string, flags: Record<string, unknown>): Promise<void> {
  const { name } = await open(flags).users.remove(given);
  console.log(`Removed ${name}.`);
}

function list(flags: Record<string, unknown>): void {
  for (const { name, role, hash, totp, passkeys } of open(flags).users.list()) {
    const factors = [
      hash && "password",
      totp && "codes",
      passkeys.length > 0 && `${passkeys.length} passkeys`,
    ];
    console.log(`${name}\t${role}\t${factors.filter(Boolean).join(", ") || "no way to log in"}`);
  }
}
