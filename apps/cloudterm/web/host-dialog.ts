import type { Welcome } from "./api.js";
import { dialog, h } from "./dom.js";

/** Where a terminal is opened. */
export interface Place {
  readonly backend: string;
  readonly choice?: string;
}

/** What there is to choose from. */
export function placesOf({ backends, hosts, upstreams }: Welcome): readonly Place[] {
  const choices: Record<string, readonly string[]> = { ssh: hosts, upstream: upstreams };
  return backends.flatMap((backend): Place[] =>
    choices[backend] === undefined ? [{ backend }] : choices[backend].map((choice) => ({ backend, choice })),
  );
}

/** Asks for one; `undefined` when the dialog is closed. */
export function choosePlace(welcome: Welcome): Promise<Place | undefined> {
  return new Promise((resolve) => {
    let chosen: Place | undefined;
    const rows = placesOf(welcome).map((place) => {
      const button = h("button", { type: "button" }, place.choice ?? "this machine");
      button.onclick = () => {
        chosen = place;
        element.close();
      };
      return h("li", {}, button);
    });
    const element = dialog("New terminal on …", h("ul", { className: "rows" }, ...rows));
    element.addEventListener("close", () => resolve(chosen));
  });
}
