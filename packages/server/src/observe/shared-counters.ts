import { close, ftruncate, isSupported, memfdCreate, mmap, type Region, setCloseOnExec } from "@tz/sys";
import { StatsTable } from "./stats-table.js";

const MFD_CLOEXEC = 1;

/** Counters that all workers write to: memory without a name, which they inherit as a descriptor. */
export class SharedCounters {
  readonly table: StatsTable;
  readonly #region: Region;
  readonly #fd: number;

  private constructor(fd: number, byteLength: number, workers: number) {
    this.#fd = fd;
    this.#region = mmap({ byteLength, fd });
    this.table = StatsTable.attach(this.#region.bytes.buffer, workers, this.#region.bytes.byteOffset);
  }

  /** @returns `undefined` where memory cannot be shared: each worker then knows of itself only */
  static create(workers: number): SharedCounters | undefined {
    if (!isSupported().supported) return undefined;
    const byteLength = StatsTable.byteLength(workers);
    const fd = memfdCreate("tz-stats", MFD_CLOEXEC);
    ftruncate(fd, byteLength);
    return new SharedCounters(fd, byteLength, workers);
  }

  /**
   * In a worker. The descriptor is closed, the mapping stays.
   * @throws ServerError `TZ_SERVER_OPTION` when the memory is laid out otherwise: by another version of this package
   */
  static open({ fd, byteLength }: InheritedMemory, workers: number): SharedCounters {
    setCloseOnExec(fd, true);
    const counters = new SharedCounters(fd, byteLength, workers);
    close(fd);
    return counters;
  }

  get memory(): InheritedMemory {
    return { fd: this.#fd, byteLength: this.#region.byteLength };
  }

  /** In the supervisor, once all workers are gone. */
  close(): void {
    close(this.#fd);
  }
}

export interface InheritedMemory {
  readonly fd: number;
  readonly byteLength: number;
}
