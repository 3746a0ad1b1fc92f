import { statSync } from "node:fs";
import { join } from "node:path";
import { UsersFile } from "@tz/cloudterm";
import { afterEach, expect, test, vi } from "vitest";
import { newData, runCli } from "../gateway-process.fixture.js";
import { runUserCommand } from "./user-command.js";

afterEach(() => vi.restoreAllMocks());

/** What the command prints, without a process of its own. */
async function printed(args: readonly string[]): Promise<string> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await runUserCommand(args);
  return log.mock.calls.map(([line]) => `${line}\n`).join("");
}

test("adds a user with a password from standard input, lists, removes", async () => {
  const data = newData();
  const add = await runCli(["user", "add", "Bob", "--admin", "--data", data], "a good long password\n");
  expect(add).toEqual({ code: 0, output: "Added bob.\n" });
  expect(statSync(join(data, "users.json")).mode & 0o777).toBe(0o600);
  expect(await printed(["list", "--data", data])).toBe("bob\tadmin\tpassword\n");
  await expect(runUserCommand(["add", "BOB", "--data", data])).rejects.toThrow('a user "bob" already');
  await expect(runUserCommand(["passwd", "eve", "--data", data])).rejects.toThrow('no user "eve"');
  await expect(runUserCommand(["add", "-oProxyCommand=x", "--data", data])).rejects.toThrow(/unknown option/);
  await expect(runUserCommand(["add", "a b", "--data", data])).rejects.toThrow(/allowed: 1 to 64/);
  await expect(runUserCommand([])).rejects.toThrow(/add, passwd, remove or list/);
  // A password that somebody else sets removes what whoever knew the old one may have added.
  const users = new UsersFile(join(data, "users.json"));
  const key = { id: "a", publicKey: "b", counter: 0, transports: [], name: "c", createdMs: 0 };
  await users.update("bob", () => ({ passkeys: [key] }));
  const before = users.get("bob")!;
  expect((await runCli(["user", "passwd", "bob", "--data", data], "another long password\n")).code).toBe(0);
  const after = users.get("bob")!;
  expect(after.passkeys).toEqual([]);
  expect(after.hash).not.toBe(before.hash);
  expect(after.sessionsFromMs).toBeGreaterThan(before.sessionsFromMs);
  expect(await printed(["remove", "bob", "--data", data])).toContain("Removed bob.");
}, 240_000);

test("a password that bcrypt would cut is refused, with exit code 2", async () => {
  const args = ["user", "add", "al", "--data", newData(), "--hash-scheme", "bcrypt"];
  const { code, output } = await runCli(args, `${"é".repeat(40)}\n`);
  expect(output).toBe("cloudterm: the password has 80 bytes; allowed: 10 to 72 for bcrypt\n");
  expect(code).toBe(2);
}, 240_000);
