/** The open watches of this thread: held, because koffi closes a handle that is collected, and closed at exit. */
import type { Watch } from "./watch.js";

const open = new Set<Watch>();
let hooked = false;

export function remember(watch: Watch): void {
  open.add(watch);
}

export function isOpen(watch: Watch): boolean {
  return open.has(watch);
}

/** Whether the watch was open. */
export function forget(watch: Watch): boolean {
  return open.delete(watch);
}

/** An open poll handle at the end of its thread is a segmentation fault; a blocked pool thread delays the end. */
export function closeAllAtExit(): void {
  if (hooked) return;
  hooked = true;
  process.on("exit", () => {
    for (const watch of open) watch.close();
  });
}
