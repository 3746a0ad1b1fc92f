import { type Support, support } from "./native.js";

export type { Support } from "./native.js";

/** Whether system calls work in this process, with the reason when they do not. Never throws. */
export function isSupported(): Support {
  return support;
}
