import { expect, test } from "vitest";
import {
  BadAddressError,
  BadArgumentError,
  orThrow,
  ReleasedError,
  SYS_ERROR_CODES,
  SysError,
  UnsupportedError,
} from "./errors.js";

test("the codes are those that the README lists", () => {
  expect(Object.values(SYS_ERROR_CODES)).toEqual([
    "TZ_SYS_UNSUPPORTED",
    "TZ_SYS_BAD_ADDRESS",
    "TZ_SYS_RELEASED",
    "TZ_SYS_BAD_ARGUMENT",
  ]);
});

test("a result becomes an error with the kernel's name", () => {
  const error = SysError.fromResult(-98, "bind", "127.0.0.1:80");
  expect(error).toMatchObject({ name: "SysError", code: "EADDRINUSE", errno: 98, syscall: "bind" });
  expect(error.message).toBe("bind: EADDRINUSE, 127.0.0.1:80");
});

test("orThrow passes what is not negative", () => {
  expect(orThrow(0, "x")).toBe(0);
  expect(orThrow(7, "x")).toBe(7);
  expect(() => orThrow(-9, "close")).toThrow(expect.objectContaining({ code: "EBADF", syscall: "close" }));
});

test("our own errors are SysErrors with errno 0 that name what was wrong", () => {
  const errors = [
    new UnsupportedError("recv", "the platform is darwin, not linux"),
    new BadAddressError("recv", 4096, 10, "no live region begins at or before it"),
    new ReleasedError("the region"),
    new BadArgumentError("bind", "port", 70000, "an integer from 0 to 65535"),
  ];
  expect(errors.map((error) => [error instanceof SysError, error.errno, error.code, error.message])).toEqual([
    [true, 0, "TZ_SYS_UNSUPPORTED", "recv is not available: the platform is darwin, not linux"],
    [
      true,
      0,
      "TZ_SYS_BAD_ADDRESS",
      "recv: 10 bytes at address 4096 (0x1000): no live region begins at or before it",
    ],
    [true, 0, "TZ_SYS_RELEASED", "the region was released"],
    [true, 0, "TZ_SYS_BAD_ARGUMENT", "bind: port is 70000, must be an integer from 0 to 65535"],
  ]);
});
