/** One resolution: every path that it asks for is noted, so that the result can be checked later. */
import type { Probe } from "../cache/entry.js";
import { type Steps, wait } from "../steps.js";
import { type FileStatus, type FileSystem, isOpened, type OpenedFile, type Refusal } from "./file-system.js";

export class Lookup {
  readonly probes: Probe[] = [];
  /** Something was reached through a link: it can change without an event for the paths that were asked for. */
  isLinked = false;
  readonly #files: FileSystem;

  constructor(files: FileSystem) {
    this.#files = files;
  }

  *open(path: string): Steps<OpenedFile | FileStatus | Refusal> {
    const found = yield* wait(this.#files.open(path));
    if (typeof found === "string") {
      // Later looks follow links without asking the policy, so this one has to as well.
      const seen = found === "missing" ? found : yield* wait(this.#files.look(path));
      this.probes.push({ path, found: seen });
      if (found !== "missing") this.isLinked = true;
    } else if (isOpened(found)) {
      this.probes.push({ path, found: found.status });
      // A file with several names can be written to through another one.
      this.isLinked ||= found.isLinked || found.status.links > 1;
    } else {
      this.probes.push({ path, found });
    }
    return found;
  }

  /** Closes a file that turned out not to be the answer. */
  discard(file: OpenedFile): void {
    this.#files.closeFile(file.fd);
  }
}
