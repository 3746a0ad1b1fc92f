import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  type StatsBase,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_SEQUENTIAL,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  RWF_NOWAIT,
  SOCK_STREAM,
} from "./constants.js";
import { ERRNO } from "./errno.js";
import {
  close,
  fadvise,
  fstat,
  hasOpenat2,
  openat,
  openat2,
  pread,
  preadv2,
  pwrite,
  read,
  readlinkat,
  sendfile,
  statx,
  write,
} from "./file.js";
import { IoVector } from "./io-vector.js";
import { Region } from "./region.js";
import { recv, socketpair } from "./socket.js";
import { StatBuffer } from "./stat-buffer.js";

const folder = mkdtempSync(join(tmpdir(), "tz-sys-"));
const root = join(folder, "root");
const memory = Region.allocate(64 * 1024);
const dirFd = makeTree();

/** `root` holds files and links; `secret` lies outside. */
function makeTree(): number {
  mkdirSync(join(root, "sub"), { recursive: true });
  writeFileSync(join(folder, "secret"), "outside");
  writeFileSync(join(root, "file"), "0123456789");
  writeFileSync(join(root, "sub", "dateinäme ☃"), "umlaut");
  symlinkSync("file", join(root, "inner-link"));
  symlinkSync("../secret", join(root, "outer-link"));
  symlinkSync("/etc/passwd", join(root, "absolute-link"));
  symlinkSync("..", join(root, "up"));
  symlinkSync("loop", join(root, "loop"));
  const fd = openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  expect(fd).toBeGreaterThan(0);
  return fd;
}

afterAll(() => {
  close(dirFd);
  rmSync(folder, { recursive: true });
});

function text(offset: number, length: number): string {
  return Buffer.from(memory.bytes.subarray(offset, offset + length)).toString();
}

/** Closes what was opened; an error stays an error. */
function opens(fd: number): number | "opened" {
  if (fd < 0) return fd;
  close(fd);
  return "opened";
}

test("reads and writes at the position and at offsets", () => {
  const fd = openat(dirFd, "made", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640);
  memory.bytes.set(Buffer.from("hello world"));
  expect(write(fd, memory.address, 5)).toBe(5);
  expect(pwrite(fd, memory.addressOf(5, 6), 6, 5)).toBe(6);
  expect(read(fd, memory.addressOf(100), 3)).toBe(3);
  expect(pread(fd, memory.addressOf(200), 50, 1)).toBe(10);
  expect([text(100, 3), text(200, 10)]).toEqual([" wo", "ello world"]);
  expect(pread(fd, memory.address, 50, 11)).toBe(0);
  expect(close(fd)).toBe(0);
  expect(close(fd)).toBe(-ERRNO.EBADF);
  expect(readFileSync(join(root, "made"), "latin1")).toBe("hello world");
  expect(statSync(join(root, "made")).mode & 0o777).toBe(0o640 & ~process.umask());
  expect(openat(dirFd, "made", O_CREAT | O_EXCL | O_WRONLY)).toBe(-ERRNO.EEXIST);
});

test("offsets beyond 4 GiB are exact", () => {
  const path = join(root, "sparse");
  const fd = openSync(path, "w+");
  const far = 3 * 2 ** 32 + 12345;
  memory.bytes.set(Buffer.from("far away"), 300);
  expect(pwrite(fd, memory.addressOf(300, 8), 8, far)).toBe(8);
  expect(statSync(path).size).toBe(far + 8);
  expect(pread(fd, memory.addressOf(400), 100, far + 4)).toBe(4);
  expect(text(400, 4)).toBe("away");
  const vector = new IoVector(1);
  vector.set(0, memory.addressOf(500, 3), 3);
  expect(preadv2(fd, vector.address, 1, far, 0)).toBe(3);
  expect(text(500, 3)).toBe("far");
  const [a, b] = socketpair(SOCK_STREAM);
  expect(sendfile(a, fd, far + 1, 100)).toBe(7);
  expect(recv(b, memory.addressOf(600), 100, 0)).toBe(7);
  expect(text(600, 7)).toBe("ar away");
  expect(sendfile(a, fd, far + 8, 100)).toBe(0);
  expect(fadvise(fd, far, 8, POSIX_FADV_SEQUENTIAL)).toBe(0);
  const stat = new StatBuffer();
  fstat(fd, stat);
  expect(stat.size).toBe(far + 8);
  for (const descriptor of [fd, a, b]) close(descriptor);
  vector.release();
  stat.release();
  rmSync(path);
});

test("sendfile sends a range and says what was wrong", () => {
  const file = openat(dirFd, "file", O_RDONLY);
  const [a, b] = socketpair(SOCK_STREAM);
  expect(sendfile(a, file, 2, 5)).toBe(5);
  expect(sendfile(a, file, 8, 100)).toBe(2);
  expect(recv(b, memory.address, 100, 0)).toBe(7);
  expect(text(0, 7)).toBe("2345689");
  expect(sendfile(a, file, -1, 5)).toBe(-ERRNO.EINVAL);
  expect(sendfile(a, -1, 0, 5)).toBe(-ERRNO.EBADF);
  for (const fd of [file, a, b]) close(fd);
});

test("preadv2 with RWF_NOWAIT reads what is in the page cache, and scatters", () => {
  const file = openat(dirFd, "file", O_RDONLY);
  const vector = new IoVector(2);
  vector.set(0, memory.addressOf(0, 2), 2);
  vector.set(1, memory.addressOf(700, 20), 20);
  // The file was written a moment ago: it is cached (or the file system does not know the flag).
  const result = preadv2(file, vector.address, 2, 1, RWF_NOWAIT);
  expect([9, -ERRNO.EOPNOTSUPP]).toContain(result);
  expect(preadv2(file, vector.address, 2, 1, 0)).toBe(9);
  expect(text(0, 2) + text(700, 7)).toBe("123456789");
  expect(preadv2(file, vector.address, 2, -1, 0)).toBe(10);
  expect(preadv2(file, vector.address, 2, -1, 0)).toBe(0);
  expect(preadv2(file, vector.address, 2, 0, 0x40000000)).toBe(-ERRNO.EOPNOTSUPP);
  close(file);
  vector.release();
});

test("fadvise returns its errors too", () => {
  const file = openat(dirFd, "file", O_RDONLY);
  expect(fadvise(file, 0, 0, POSIX_FADV_DONTNEED)).toBe(0);
  expect(fadvise(file, 0, 0, 99)).toBe(-ERRNO.EINVAL);
  expect(fadvise(-1, 0, 0, 0)).toBe(-ERRNO.EBADF);
  close(file);
});

test("openat: text, bytes and errors", () => {
  expect(opens(openat(dirFd, "sub/dateinäme ☃", O_RDONLY))).toBe("opened");
  expect(opens(openat(dirFd, Buffer.from("sub/dateinäme ☃"), O_RDONLY))).toBe("opened");
  expect(opens(openat(AT_FDCWD, join(root, "file"), O_RDONLY))).toBe("opened");
  expect(openat(dirFd, "nothing", O_RDONLY)).toBe(-ERRNO.ENOENT);
  expect(openat(dirFd, "file/x", O_RDONLY)).toBe(-ERRNO.ENOTDIR);
  expect(openat(dirFd, "inner-link", O_RDONLY | O_NOFOLLOW)).toBe(-ERRNO.ELOOP);
  expect(openat(-1, "file", O_RDONLY)).toBe(-ERRNO.EBADF);
});

test("a path never reaches the kernel cut short", () => {
  expect(openat(dirFd, "file\0.txt", O_RDONLY)).toBe(-ERRNO.EINVAL);
  expect(openat(dirFd, "ä\0", O_RDONLY)).toBe(-ERRNO.EINVAL);
  expect(openat(dirFd, Buffer.from("file\0"), O_RDONLY)).toBe(-ERRNO.EINVAL);
  expect(openat(dirFd, "a".repeat(256), O_RDONLY)).toBe(-ERRNO.ENAMETOOLONG);
  expect(opens(openat(dirFd, `${"./".repeat(2045)}file`, O_RDONLY))).toBe("opened");
  expect(openat(dirFd, `${"./".repeat(2046)}file`, O_RDONLY)).toBe(-ERRNO.ENAMETOOLONG);
  expect(openat(dirFd, "ä".repeat(2048), O_RDONLY)).toBe(-ERRNO.ENAMETOOLONG);
  expect(openat(dirFd, "☃".repeat(1400), O_RDONLY)).toBe(-ERRNO.ENAMETOOLONG);
  const stat = new StatBuffer();
  expect(statx(dirFd, "file\0", 0, stat)).toBe(-ERRNO.EINVAL);
  expect(openat2(dirFd, "file\0", O_RDONLY, RESOLVE_BENEATH)).toBe(-ERRNO.EINVAL);
  expect(() => readlinkat(dirFd, "up\0")).toThrow(expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT" }));
  expect(() => readlinkat(dirFd, "x".repeat(5000))).toThrow(
    expect.objectContaining({ code: "ENAMETOOLONG" }),
  );
  stat.release();
});

const CONTAINED = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

test.runIf(hasOpenat2()).each<[string, number, number | "opened"]>([
  ["file", CONTAINED, "opened"],
  ["sub/../file", CONTAINED, "opened"],
  ["./sub/dateinäme ☃", CONTAINED, "opened"],
  ["inner-link", CONTAINED, "opened"],
  ["../secret", CONTAINED, -ERRNO.EXDEV],
  ["sub/../../secret", CONTAINED, -ERRNO.EXDEV],
  ["/etc/passwd", CONTAINED, -ERRNO.EXDEV],
  ["outer-link", CONTAINED, -ERRNO.EXDEV],
  ["absolute-link", CONTAINED, -ERRNO.EXDEV],
  ["up/secret", CONTAINED, -ERRNO.EXDEV],
  ["loop", CONTAINED, -ERRNO.ELOOP],
  ["nothing", CONTAINED, -ERRNO.ENOENT],
  ["inner-link", CONTAINED | RESOLVE_NO_SYMLINKS, -ERRNO.ELOOP],
  ["up/root/file", CONTAINED | RESOLVE_NO_SYMLINKS, -ERRNO.ELOOP],
  ["file", CONTAINED | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV, "opened"],
  ["outer-link", RESOLVE_IN_ROOT, -ERRNO.ENOENT],
  ["/file", RESOLVE_IN_ROOT, "opened"],
  ["../../../file", RESOLVE_IN_ROOT, "opened"],
  ["file", RESOLVE_BENEATH | RESOLVE_IN_ROOT, -ERRNO.EINVAL],
  ["outer-link", 0, "opened"],
])("openat2 of %s with resolve %i: %s", (path, resolve, expected) => {
  expect(opens(openat2(dirFd, path, O_RDONLY | O_CLOEXEC, resolve))).toBe(expected);
});

test.runIf(hasOpenat2())(
  "openat2 keeps out of /proc's links and other file systems, and creates with a mode",
  () => {
    const proc = openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
    expect(openat2(proc, "proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS)).toBe(-ERRNO.ELOOP);
    expect(openat2(proc, "proc/version", O_RDONLY, RESOLVE_NO_XDEV)).toBe(-ERRNO.EXDEV);
    close(proc);
    expect(opens(openat2(dirFd, "created", O_WRONLY | O_CREAT, CONTAINED, 0o600))).toBe("opened");
    expect(statSync(join(root, "created")).mode & 0o777).toBe(0o600);
    // Unlike openat, openat2 refuses what it does not understand.
    expect(openat2(dirFd, "file", O_RDONLY, CONTAINED, 0o600)).toBe(-ERRNO.EINVAL);
  },
);

test("statx and fstat say what node:fs says", () => {
  const path = join(root, "stat-me");
  writeFileSync(path, "x".repeat(3000));
  linkSync(path, `${path}-2`);
  chmodSync(path, 0o751);
  const stat = new StatBuffer();
  for (const seconds of [1_234_567_890.123456, 0, -1.5, 4_500_000_000.25]) {
    utimesSync(path, seconds, seconds);
    const theirs = statSync(path);
    expect(statx(dirFd, "stat-me", 0, stat)).toBe(0);
    compare(stat, theirs);
    const exact = statSync(path, { bigint: true });
    expect(BigInt(stat.mtimeSec) * 10n ** 9n + BigInt(stat.mtimeNsec)).toBe(exact.mtimeNs);
    expect(BigInt(stat.ctimeSec) * 10n ** 9n + BigInt(stat.ctimeNsec)).toBe(exact.ctimeNs);
  }
  expect([stat.isFile, stat.isDirectory, stat.isSymbolicLink]).toEqual([true, false, false]);
  expect(fstat(dirFd, stat)).toBe(0);
  compare(stat, statSync(root));
  expect([stat.isFile, stat.isDirectory]).toEqual([false, true]);
  expect(statx(dirFd, "inner-link", AT_SYMLINK_NOFOLLOW, stat)).toBe(0);
  compare(stat, lstatSync(join(root, "inner-link")));
  expect(stat.isSymbolicLink).toBe(true);
  expect(statx(AT_FDCWD, "/dev/null", 0, stat)).toBe(0);
  compare(stat, statSync("/dev/null"));
  expect(statx(AT_FDCWD, "/proc/version", 0, stat)).toBe(0);
  compare(stat, statSync("/proc/version"));
  expect(statx(dirFd, "nothing", 0, stat)).toBe(-ERRNO.ENOENT);
  expect(fstat(-1, stat)).toBe(-ERRNO.EBADF);
  stat.release();
});

function compare(stat: StatBuffer, theirs: StatsBase<number>): void {
  const { mode, size, ino, dev, nlink, uid, gid, blocks } = stat;
  expect({ mode, size, ino, dev, nlink, uid, gid, blocks }).toEqual({
    mode: theirs.mode,
    size: theirs.size,
    ino: theirs.ino,
    dev: theirs.dev,
    nlink: theirs.nlink,
    uid: theirs.uid,
    gid: theirs.gid,
    blocks: theirs.blocks,
  });
  expect(stat.mtimeMs).toBeCloseTo(theirs.mtimeMs, 2);
  expect(stat.ctimeMs).toBeCloseTo(theirs.ctimeMs, 2);
}

test("readlinkat reads a link, also of a descriptor", () => {
  expect(readlinkat(dirFd, "outer-link")).toBe("../secret");
  const long = "t/".repeat(2000);
  symlinkSync(long, join(root, "long-link"));
  expect(readlinkat(dirFd, "long-link")).toBe(long);
  const link = openat(dirFd, "up", O_PATH | O_NOFOLLOW);
  expect(readlinkat(link, "")).toBe("..");
  close(link);
  expect(() => readlinkat(dirFd, "file")).toThrow(
    expect.objectContaining({ code: "EINVAL", syscall: "readlinkat" }),
  );
});

test("a descriptor is one for node:fs too", () => {
  const fd = openat(dirFd, "from-sys", O_RDWR | O_CREAT, 0o600);
  writeSync(fd, "abc");
  ftruncateSync(fd, 2);
  expect(pread(fd, memory.address, 10, 0)).toBe(2);
  closeSync(fd);
});
