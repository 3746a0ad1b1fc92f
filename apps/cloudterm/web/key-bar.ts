import { h } from "./dom.js";
import type { TerminalPane } from "./terminal-pane.js";

const KEYS: readonly (readonly [text: string, label: string, sends: string])[] = [
  ["Esc", "Escape", "\x1b"],
  ["Tab", "Tab", "\t"],
  ["←", "Left", "\x1b[D"],
  ["↓", "Down", "\x1b[B"],
  ["↑", "Up", "\x1b[A"],
  ["→", "Right", "\x1b[C"],
  ["^C", "Control C", "\x03"],
  ["^D", "Control D", "\x04"],
  ["^Z", "Control Z", "\x1a"],
  ["^R", "Control R", "\x12"],
  ["|", "Bar", "|"],
  ["~", "Tilde", "~"],
  ["/", "Slash", "/"],
];

/** Keys that telephones do not have; shown where there is no mouse. */
export function keyBar(pane: () => TerminalPane | undefined): HTMLElement {
  const buttons = KEYS.map(([text, label, sends]) => {
    const button = h("button", { type: "button", tabIndex: -1, aria: { label } }, text);
    // The terminal keeps the focus, so that the keyboard stays.
    button.onpointerdown = (event) => {
      event.preventDefault();
      pane()?.input(sends);
    };
    return button;
  });
  return h("div", { className: "keys", role: "toolbar", aria: { label: "Keys" } }, ...buttons);
}
