import { h } from "./dom.js";
import type { TerminalPane } from "./terminal-pane.js";

const KEYS: readonly (readonly [text: string, label: string, press: (pane: TerminalPane) => void])[] = [
  ["Esc", "Escape", (pane) => pane.input("\x1b")],
  ["Tab", "Tab", (pane) => pane.input("\t")],
  ["←", "Left", (pane) => pane.arrow("D")],
  ["↓", "Down", (pane) => pane.arrow("B")],
  ["↑", "Up", (pane) => pane.arrow("A")],
  ["→", "Right", (pane) => pane.arrow("C")],
  ["^C", "Control C", (pane) => pane.input("\x03")],
  ["^D", "Control D", (pane) => pane.input("\x04")],
  ["|", "Bar", (pane) => pane.input("|")],
  ["~", "Tilde", (pane) => pane.input("~")],
  ["/", "Slash", (pane) => pane.input("/")],
  ["-", "Dash", (pane) => pane.input("-")],
];

/** Keys that telephones do not have; shown where there is no mouse. */
export function keyBar(pane: () => TerminalPane | undefined): HTMLElement {
  const key = (text: string, label: string, press: (pane: TerminalPane) => void) => {
    const button = h("button", { type: "button", tabIndex: -1, aria: { label } }, text);
    // The terminal keeps the focus, so that the keyboard stays.
    button.onpointerdown = (event) => {
      event.preventDefault();
      const at = pane();
      if (at !== undefined) press(at);
    };
    return button;
  };
  const control = key("Ctrl", "Control for the next letter", (at) => {
    const isHeld = control.getAttribute("aria-pressed") !== "true";
    control.setAttribute("aria-pressed", String(isHeld));
    at.holdControl(isHeld ? () => control.setAttribute("aria-pressed", "false") : undefined);
  });
  const keys = KEYS.map(([text, label, press]) => key(text, label, press));
  keys.splice(1, 0, control);
  return h("div", { className: "keys", role: "toolbar", aria: { label: "Keys" } }, ...keys);
}
