import { h } from "./dom.js";
import type { TerminalPane } from "./terminal-pane.js";

/** Searches the scrollback of the terminal that has the focus. */
export class SearchBar {
  readonly element: HTMLElement;
  readonly #input = h("input", {
    type: "search",
    placeholder: "Search",
    aria: { label: "Search the terminal" },
  });
  readonly #pane: () => TerminalPane | undefined;

  constructor(pane: () => TerminalPane | undefined) {
    this.#pane = pane;
    const button = (text: string, label: string, action: () => void) => {
      const element = h("button", { type: "button", className: "icon", aria: { label } }, text);
      element.onclick = action;
      return element;
    };
    this.element = h(
      "div",
      { className: "search", role: "search", hidden: true },
      this.#input,
      button("↑", "Previous", () => this.#find(true)),
      button("↓", "Next", () => this.#find(false)),
      button("✕", "Close search", () => this.close()),
    );
    this.#input.oninput = () => this.#find(false);
    this.#input.onkeydown = (event) => {
      if (event.key === "Escape") this.close();
      if (event.key === "Enter") this.#find(event.shiftKey);
    };
  }

  open(): void {
    this.element.hidden = false;
    this.#input.select();
    this.#input.focus();
  }

  close(): void {
    this.element.hidden = true;
    this.#pane()?.endFind();
  }

  #find(backwards: boolean): void {
    const text = this.#input.value;
    const found = text === "" || this.#pane()?.find(text, backwards) === true;
    this.#input.classList.toggle("missing", !found);
  }
}
