import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withFileLock } from "../file-lock.js";
import { tempFolder } from "../temp-folder.fixture.js";
import { UsersFile } from "./users-file.js";

const HASH = "$2b$04$abcdefghijklmnopqrstuuOBmJvNkp4QSRuSqYQWPyYVXQ8LxKFTe";

test("users are added, changed, listed and removed; other processes see it at once", async () => {
  const path = join(tempFolder(), "users.json");
  const [one, two] = [new UsersFile(path), new UsersFile(path)];
  expect(two.get("ada")).toBeUndefined();
  await one.add({ name: "Ada", role: "admin", hash: HASH });
  expect(two.get("ADA")?.role).toBe("admin");
  await two.add({ name: "bob", role: "user", hash: HASH });
  await one.update("bob", () => ({ recovery: ["x"] }));
  expect(two.list().map(({ name, recovery }) => [name, recovery])).toEqual([
    ["ada", []],
    ["bob", ["x"]],
  ]);
  await expect(one.add({ name: "BOB", role: "user", hash: HASH })).rejects.toMatchObject({ status: 409 });
  await two.remove("bob");
  expect(one.size).toBe(1);
  await expect(one.remove("bob")).rejects.toMatchObject({ code: "TZ_CLOUDTERM_USER_UNKNOWN" });
  await expect(one.update("bob", () => ({}))).rejects.toMatchObject({ status: 404 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("changes of several processes at once are all kept, and leave no file behind", async () => {
  const folder = tempFolder();
  const path = join(folder, "users.json");
  const files = [new UsersFile(path), new UsersFile(path), new UsersFile(path)];
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => files[i % 3]!.add({ name: `u${i}`, role: "user", hash: HASH })),
  );
  expect(new UsersFile(path).size).toBe(30);
  expect(readdirSync(folder)).toEqual(["users.json"]);
});

test("a view looks at the file once, and shows the users as they were", async () => {
  const users = new UsersFile(join(tempFolder(), "users.json"));
  const view = users.view();
  await users.add({ name: "ada", role: "user", hash: HASH });
  expect(view.get("ada")).toBeUndefined();
  const later = users.view();
  await users.remove("ada");
  expect(later.get("ADA")).toMatchObject({ name: "ada" });
  expect(later.get("a b")).toBeUndefined();
  expect(users.view().get("ada")).toBeUndefined();
});

test("the lock of a process that died is taken over", async () => {
  const path = join(tempFolder(), "users.json.lock");
  writeFileSync(path, "1 left behind");
  expect(await withFileLock(path, async () => readFileSync(path, "utf8"), 100)).not.toContain("left behind");
  expect(existsSync(path)).toBe(false);
});

test("names that would be something else to somebody else are refused", async () => {
  const users = new UsersFile(join(tempFolder(), "users.json"));
  for (const name of [
    "",
    "a b",
    "../x",
    "a/b",
    "-x",
    "x-",
    "a\0b",
    "a\nb",
    "ü",
    "x".repeat(65),
    "$(id)",
    "a:b",
  ]) {
    await expect(users.add({ name, role: "user", hash: HASH })).rejects.toMatchObject({
      code: "TZ_CLOUDTERM_USER_NAME",
    });
  }
});

test("a file that makes no sense is refused with what is wrong", () => {
  const path = join(tempFolder(), "users.json");
  const user = { name: "ada", role: "admin", hash: HASH };
  for (const [content, why] of [
    ["{", /JSON/],
    [JSON.stringify({ format: "x", users: [] }), /format/],
    [JSON.stringify({ format: "tz-users-1", users: [user, user] }), /"ada" comes twice/],
    [JSON.stringify({ format: "tz-users-1", users: [{ ...user, name: "Ada" }] }), /lower case/],
    [JSON.stringify({ format: "tz-users-1", users: [{ ...user, role: "root" }] }), /role is "root"/],
    [JSON.stringify({ format: "tz-users-1", users: [{ ...user, hash: "secret" }] }), /hash is neither/],
    [JSON.stringify({ format: "tz-users-1", users: [{ ...user, totp: { secret: "1" } }] }), /base32/],
    [JSON.stringify({ format: "tz-users-1", users: [{ ...user, passkeys: [{}] }] }), /passkeys/],
  ] as const) {
    writeFileSync(path, content);
    expect(() => new UsersFile(path)).toThrow(why);
  }
});
