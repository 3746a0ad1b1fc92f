/** Who tells about changes in a directory: inotify, or a script in tests. */

export interface DirectoryListener {
  /** Something happened to the entry of this name: it came, went, was replaced or written to. */
  readonly onName: (name: string) => void;
  /** The directory itself is gone or elsewhere, or events were lost: nothing known of it holds. */
  readonly onLost: () => void;
  /** Names that come, go or are replaced, but no writes. */
  readonly namesOnly?: boolean;
}

export interface DirectoryWatch {
  close(): void;
}

/**
 * - `"unwatchable"`: no such directory, or no permission
 * - `"exhausted"`: the kernel gives no more watches
 */
export type WatchFailure = "unwatchable" | "exhausted";

export interface ChangeSource {
  watch(path: string, listener: DirectoryListener): DirectoryWatch | WatchFailure;
}
