/** One misuse of a region, in a process that may not survive it. Prints what became of it. Argument: which. */
import { errnoName } from "./errno.js";
import { read, write } from "./file.js";
import { bind, errnoCell } from "./native.js";
import { pipe2 } from "./pipe.js";
import { Region } from "./region.js";

const PAGE_BYTES = 64 * 1024;
const LENGTH = 256;

// As they are in C, past the checker.
const nativeSet = bind("intptr_t memset(intptr_t, int, size_t)");
const nativeRead = bind("intptr_t read(int, intptr_t, size_t)");

const region = Region.allocate(LENGTH);
const behind = Region.allocate(LENGTH);
const { readFd, writeFd } = pipe2(0);

const SCENES: Readonly<Record<string, () => string>> = {
  inside() {
    nativeSet(region.address, 1, LENGTH);
    const isWritten = region.bytes.every((byte) => byte === 1);
    return `${isWritten ? "written" : "lost"}, ${behind.bytes.every((byte) => byte === 0) ? "alone" : "beyond"}`;
  },
  refused() {
    try {
      return `read ${read(readFd, region.address, LENGTH + PAGE_BYTES)}`;
    } catch (error) {
      return (error as { code?: string }).code ?? "no code";
    }
  },
  behind() {
    nativeSet(region.address, 1, LENGTH + PAGE_BYTES);
    return "survived";
  },
  "one byte behind"() {
    nativeSet(region.address + LENGTH, 1, 1);
    return "survived";
  },
  before() {
    nativeSet(region.address - PAGE_BYTES, 1, PAGE_BYTES);
    return "survived";
  },
  kernel() {
    region.bytes[0] = 7;
    write(writeFd, region.address, 1);
    const result = nativeRead(readFd, region.address + LENGTH, 1);
    return `${result} ${errnoName(errnoCell[0]!)}`;
  },
};

console.log(SCENES[process.argv[2]!]!());
