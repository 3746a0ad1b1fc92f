import { dialog, h } from "./dom.js";

export async function openRecordings(): Promise<void> {
  dialog("Recordings", h("p", { className: "hint" }, "There are none."));
}
