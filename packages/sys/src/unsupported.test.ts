import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const index = JSON.stringify(new URL("./index.ts", import.meta.url).href);

/** What the package says of itself in a process that `prepare` has changed before the import. */
function report(prepare: string, env: Record<string, string> = {}) {
  const script = `
    ${prepare}
    const sys = await import(${index});
    const errors = {};
    const calls = {
      recv: () => sys.recv(0, 0, 0, 0), writev: () => sys.writev(0, 0, 0), close: () => sys.close(0),
      socket: () => sys.socket(2, 1), bind: () => sys.bind(0, { family: "ipv4", host: "127.0.0.1", port: 0 }),
      openat: () => sys.openat(-100, "/", 0), openat2: () => sys.openat2(-100, "/", 0, 0),
      sendfile: () => sys.sendfile(0, 0, 0, 0), epollCreate: () => sys.epollCreate(),
      epollCtl: () => sys.epollCtl(0, 0, 0, 0, 0), region: () => sys.Region.allocate(8),
      mmap: () => sys.mmap({ byteLength: 8 }), stat: () => new sys.StatBuffer(), vector: () => new sys.IoVector(1),
      inotify: () => sys.inotifyInit(0), watch: () => sys.watchReadable(0, () => {}),
      affinity: () => sys.schedGetaffinity(0), directory: () => sys.readDirectory(0), openssl: () => sys.openssl(),
      preadv2: () => sys.preadv2(0, 0, 0, 0, 0), fcntl: () => sys.fcntl(0, 0),
    };
    for (const [name, call] of Object.entries(calls)) {
      try { call(); errors[name] = "no error"; } catch (error) { errors[name] = error.code + ": " + error.message; }
    }
    console.log(JSON.stringify({
      supported: sys.isSupported(), openssl: sys.opensslSupported(), openat2: sys.hasOpenat2(), errors,
      encoded: sys.encodeSocketAddress({ family: "unix", path: "/a" }, new DataView(new ArrayBuffer(128))),
      name: sys.errnoName(-11),
    }));
    process.exit(0);`;
  const flags = ["--import", "tsx", "--conditions=@tz/source", "--input-type=module", "-e", script];
  return JSON.parse(
    execFileSync(process.execPath, flags, { env: { ...process.env, ...env } }).toString(),
  ) as {
    supported: unknown;
    openssl: unknown;
    openat2: boolean;
    errors: Record<string, string>;
    encoded: number;
    name: string;
  };
}

test.each([
  ['Object.defineProperty(process, "platform", { value: "darwin" });', "the platform is darwin, not linux"],
  ['Object.defineProperty(process, "platform", { value: "win32" });', "the platform is win32, not linux"],
  ['Object.defineProperty(process, "arch", { value: "s390x" });', "the processor is s390x, not x64 or arm64"],
])("where nothing is supported (%s), importing works and every call tells why", (prepare, reason) => {
  const { supported, openssl, openat2, errors, encoded, name } = report(prepare);
  expect(supported).toEqual({ supported: false, reason });
  expect(openssl).toEqual({ supported: false, reason });
  expect(openat2).toBe(false);
  const told = expect.stringMatching(new RegExp(`^TZ_SYS_UNSUPPORTED: .* is not available: ${reason}$`));
  expect(errors).toEqual(Object.fromEntries(Object.keys(errors).map((call) => [call, told])));
  // What needs no kernel works everywhere.
  expect([encoded, name]).toEqual([5, "EAGAIN"]);
});

test("a koffi that does not load is a reason, not a crash", () => {
  // Makes the package unresolvable, for this child only.
  const prepare = `
      const { Module } = await import("node:module");
      const resolve = Module._resolveFilename;
      Module._resolveFilename = function (request, ...rest) {
        if (request === "koffi") throw Object.assign(new Error("Cannot find module 'koffi'\\nRequire stack:\\n- a.js"), { code: "MODULE_NOT_FOUND" });
        return resolve.call(this, request, ...rest);
      };`;
  const { supported, errors } = report(prepare);
  const reason = "koffi does not load: Cannot find module 'koffi' (npm install koffi brings it)";
  expect(supported).toEqual({ supported: false, reason });
  expect(errors.recv).toBe(`TZ_SYS_UNSUPPORTED: recv is not available: ${reason}`);
});

test("here it is supported", () => {
  const { supported, openssl, errors } = report("");
  expect(supported).toEqual({ supported: true });
  expect(openssl).toEqual({ supported: true });
  expect(errors.socket).toBe("no error");
});
