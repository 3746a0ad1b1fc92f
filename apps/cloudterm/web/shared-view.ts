import { ApiError, api, socketUrl } from "./api.js";
import { h, show } from "./dom.js";
import { keyBar } from "./key-bar.js";
import { TerminalPane } from "./terminal-pane.js";
import { TerminalGone } from "./terminal-socket.js";

interface Shared {
  readonly ticket: string;
  readonly access: "read" | "write";
  readonly user: string;
  readonly title: string;
}

/** A terminal that somebody has shared: no login, nothing else. */
export async function openShared(secret: string): Promise<void> {
  const enter = async (): Promise<Shared> => {
    try {
      return await api<Shared>("POST", "shared", { secret });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) throw new TerminalGone(error.message);
      throw error;
    }
  };
  let first: Shared | undefined;
  try {
    first = await enter();
  } catch (error) {
    show(
      h(
        "main",
        { className: "card" },
        h("h1", {}, "cloudterm"),
        h("p", { role: "alert" }, (error as Error).message),
      ),
    );
    return;
  }
  const { access, user } = first;
  const source = {
    url: async () => {
      // Each ticket opens one socket.
      const { ticket } = first ?? (await enter());
      first = undefined;
      return socketUrl(`shared/socket?ticket=${ticket}`);
    },
  };
  const name = h("span", { className: "name" }, first.title || "terminal");
  const pane = new TerminalPane(source, async () => 0, {
    title: (text) => {
      name.textContent = text;
      document.title = `${text} – cloudterm`;
    },
    focused: () => {},
    over: () => {},
    shortcut: () => false,
  });
  const what = access === "read" ? "you may watch" : "you may watch and type";
  show(
    h(
      "header",
      { className: "top" },
      h("div", { className: "shared" }, name, h("span", { className: "hint" }, `of ${user}: ${what}`)),
    ),
    h("main", { className: "area" }, h("div", { className: "panes" }, pane.element)),
    keyBar(() => pane),
  );
  pane.open();
  pane.focus();
}
