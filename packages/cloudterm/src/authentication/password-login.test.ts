import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../temp-folder.fixture.js";
import { HashQueue } from "./hash-queue.js";
import { type HashScheme, hashPassword, schemeOf } from "./password-hash.js";
import { PasswordLogin } from "./password-login.js";
import { UsersFile } from "./users-file.js";

const OLD: HashScheme = { kind: "bcrypt", cost: 4 };
const NEW: HashScheme = { kind: "argon2id", memoryKiB: 64, passes: 1, parallelism: 1 };
const password = () => Buffer.from("correct horse battery");

async function make(stored: HashScheme, wanted: HashScheme) {
  const users = new UsersFile(join(tempFolder(), "users.json"));
  await users.add({ name: "Ada", role: "admin", hash: await hashPassword(password(), stored) });
  return { users, login: new PasswordLogin({ users, queue: new HashQueue(), scheme: wanted }) };
}

test("the right password is the user's, in every spelling of the name, and is wiped", async () => {
  const { login } = await make(NEW, NEW);
  for (const name of ["ada", "ADA", " Ada ", "Ａda"]) {
    const given = password();
    expect((await login.verify(name, given))?.name).toBe("ada");
    expect(given.every((byte) => byte === 0)).toBe(true);
  }
  const wrong = Buffer.from("wrong");
  expect(await login.verify("ada", wrong)).toBeUndefined();
  expect(wrong.every((byte) => byte === 0)).toBe(true);
  for (const name of ["bob", "", "__proto__", "a b", "\0", "x".repeat(10_000)]) {
    expect(await login.verify(name, password())).toBeUndefined();
  }
});

test("the hash of another scheme is renewed by the next login", async () => {
  const { users, login } = await make(OLD, NEW);
  await login.verify("ada", Buffer.from("wrong"));
  expect(schemeOf(users.get("ada")!.hash!)).toEqual(OLD);
  await login.verify("ada", password());
  expect(schemeOf(users.get("ada")!.hash!)).toEqual(NEW);
  const hash = users.get("ada")!.hash;
  expect((await login.verify("ada", password()))?.name).toBe("ada");
  expect(users.get("ada")!.hash).toBe(hash);
});

test("an unknown user costs the work of a known one", async () => {
  const { users, login } = await make({ kind: "bcrypt", cost: 9 }, { kind: "bcrypt", cost: 9 });
  await users.add({ name: "sso", role: "user", hash: undefined });
  // CPU of all threads: a busy machine does not change the least of it much. A plain refusal costs a thousandth.
  const cpuMicros = new Map<string, number>();
  for (let round = 0; round < 6; round++) {
    for (const name of ["ada", "bob", "not a name", "sso"]) {
      const before = process.cpuUsage();
      await login.verify(name, Buffer.from("wrong password"));
      const { user, system } = process.cpuUsage(before);
      cpuMicros.set(name, Math.min(cpuMicros.get(name) ?? Number.POSITIVE_INFINITY, user + system));
    }
  }
  const known = cpuMicros.get("ada")!;
  for (const [name, unknown] of cpuMicros) {
    expect(unknown / known, name).toBeGreaterThan(1 / 3);
    expect(unknown / known, name).toBeLessThan(3);
  }
});

test("what waits is bounded, and those who are known go first", async () => {
  const queue = new HashQueue({ concurrency: 1, maxWaiting: 2 });
  const order: string[] = [];
  let open = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const task = (name: string) => async () => {
    await gate;
    order.push(name);
  };
  const running = [queue.run(task("first")), queue.run(task("x")), queue.run(task("y"))];
  await expect(queue.run(task("z"))).rejects.toMatchObject({ code: "TZ_CLOUDTERM_BUSY", status: 429 });
  running.push(queue.run(task("known"), true));
  expect([queue.running, queue.waiting]).toEqual([1, 3]);
  open();
  await Promise.all(running);
  expect(order).toEqual(["first", "known", "x", "y"]);
  expect([queue.running, queue.waiting]).toEqual([0, 0]);
  await expect(queue.run(() => Promise.reject(new Error("fails")))).rejects.toThrow("fails");
  expect(queue.running).toBe(0);
});
