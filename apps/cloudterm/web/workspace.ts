import { openAccount } from "./account-dialog.js";
import { openAdmin } from "./admin-dialog.js";
import { ApiError, api, settled, socketUrl, type TerminalInfo, type Welcome } from "./api.js";
import { confirmed, h, show, toast } from "./dom.js";
import { openFiles } from "./files-dialog.js";
import { choosePlace, type Place, placesOf } from "./host-dialog.js";
import { keyBar } from "./key-bar.js";
import { forget, type Layout, loadLayout, saveLayout } from "./layout.js";
import { openRecordings } from "./recordings-dialog.js";
import { SearchBar } from "./search-bar.js";
import { openSettings } from "./settings.js";
import { openShare } from "./share-dialog.js";
import { TerminalPane } from "./terminal-pane.js";
import { TerminalGone } from "./terminal-socket.js";

interface Pane {
  readonly id: string;
  readonly view: TerminalPane;
  title: string;
  over: boolean;
}

interface Tab {
  readonly panes: Pane[];
  direction: "row" | "column";
  readonly element: HTMLElement;
  readonly handle: HTMLElement;
  active: Pane | undefined;
}

/** Tabs, each with terminals side by side. What is open is kept in this browser; the terminals live in the gateway. */
export class Workspace {
  readonly #welcome: Welcome;
  readonly #tabs: Tab[] = [];
  #active: Tab | undefined;
  readonly #bar = h("div", { className: "tabs", role: "tablist", aria: { label: "Terminals" } });
  readonly #area = h("main", { className: "area" });
  readonly #search = new SearchBar(() => this.#active?.active?.view);
  readonly #onLogout: () => void;

  constructor(welcome: Welcome, onLogout: () => void) {
    this.#welcome = welcome;
    this.#onLogout = onLogout;
  }

  async start(): Promise<void> {
    const button = (text: string, label: string, action: () => void) => {
      const element = h("button", { type: "button", className: "icon", title: label, aria: { label } }, text);
      element.onclick = action;
      return element;
    };
    const tools = h(
      "div",
      { className: "tools" },
      button("+", "New terminal (Alt+Shift+T)", () => void this.#open()),
      button("●", "New recorded terminal", () => void this.#open(undefined, true)),
      placesOf(this.#welcome).length > 1 &&
        button("⌂", "New terminal on another machine", () => void this.#openOn()),
      button("◫", "Split side by side (Alt+Shift+D)", () => void this.#open("row")),
      button("⬓", "Split one above the other (Alt+Shift+E)", () => void this.#open("column")),
      button("⌕", "Search (Ctrl+Shift+F)", () => this.#search.open()),
      button("⤴", "Share this terminal", () => this.#share()),
      button("⇅", "Files beside this terminal", () => void this.#files()),
      button("▶", "Recordings", () => void openRecordings()),
      button("⚙", "Settings", () => openSettings()),
      this.#welcome.role === "admin" && button("☰", "Administration", () => void openAdmin(this.#welcome)),
      button("◉", `Account of ${this.#welcome.user}`, () => void openAccount(this.#welcome, this.#onLogout)),
    );
    show(
      h("header", { className: "top" }, this.#bar, tools),
      this.#search.element,
      this.#area,
      keyBar(() => this.#active?.active?.view),
    );
    window.addEventListener("beforeunload", this.#beforeUnload);
    const { terminals } = await api<{ terminals: TerminalInfo[] }>("GET", "terminals");
    const living = new Map(terminals.filter(({ end }) => end === undefined).map((info) => [info.id, info]));
    const layout = loadLayout(this.#welcome.user, new Set(living.keys()));
    for (const { terminals: ids, direction } of layout.tabs) {
      const tab = this.#addTab(direction);
      for (const id of ids) this.#addPane(tab, id, living.get(id)!.title);
    }
    if (this.#tabs.length === 0) await this.#open();
    else this.#show(this.#tabs[Math.min(layout.active, this.#tabs.length - 1)]!);
  }

  close(): void {
    window.removeEventListener("beforeunload", this.#beforeUnload);
    for (const { panes } of this.#tabs) for (const { view } of panes) view.close();
    this.#tabs.length = 0;
  }

  /** A terminal that was never left lives on; what could be lost is what is being typed. */
  readonly #beforeUnload = (): void => this.#save();

  async #openOn(): Promise<void> {
    const place = await choosePlace(this.#welcome);
    if (place !== undefined) await this.#open(undefined, false, place);
  }

  /** Where the first terminal is opened, and every one of which nobody says more. */
  get #home(): Place | undefined {
    return placesOf(this.#welcome)[0];
  }

  async #open(split?: "row" | "column", record = false, place = this.#home): Promise<void> {
    try {
      const { id, title } = await api<TerminalInfo>("POST", "terminals", { ...place, record });
      const tab = split !== undefined && this.#active !== undefined ? this.#active : this.#addTab("row");
      if (split !== undefined) tab.direction = split;
      const pane = this.#addPane(tab, id, title);
      this.#show(tab, pane);
      this.#save();
    } catch (error) {
      toast(error instanceof ApiError ? error.message : "The gateway cannot be reached.", "error");
    }
  }

  #addTab(direction: "row" | "column"): Tab {
    const name = h("span", { className: "name" }, "terminal");
    const close = h(
      "button",
      { type: "button", className: "close", title: "Close (Alt+Shift+W)", aria: { label: "Close terminal" } },
      "✕",
    );
    const select = h("button", { type: "button", className: "select", role: "tab" }, name);
    const handle = h("div", { className: "tab" }, select, close);
    const element = h("div", { className: "panes", role: "tabpanel", hidden: true });
    const tab: Tab = { panes: [], direction, element, handle, active: undefined };
    select.onclick = () => this.#show(tab);
    close.onclick = () => void this.#closePane(tab, tab.active ?? tab.panes[0]);
    this.#tabs.push(tab);
    this.#bar.append(handle);
    this.#area.append(element);
    return tab;
  }

  #addPane(tab: Tab, id: string, title: string): Pane {
    const source = {
      url: async () => {
        await settled();
        // Tells a terminal that is gone from a gateway that cannot be reached, which a WebSocket does not.
        const { terminals } = await api<{ terminals: TerminalInfo[] }>("GET", "terminals");
        if (!terminals.some((info) => info.id === id)) throw new TerminalGone("the terminal has ended");
        return socketUrl(`terminals/${id}/socket`);
      },
    };
    const replayEnd = async () => {
      const { terminals } = await api<{ terminals: TerminalInfo[] }>("GET", "terminals");
      return terminals.find((info) => info.id === id)?.outputBytes ?? 0;
    };
    const view = new TerminalPane(source, replayEnd, {
      title: (text) => {
        pane.title = text;
        this.#name(tab);
      },
      focused: () => {
        tab.active = pane;
        for (const each of tab.panes) each.view.element.classList.toggle("active", each === pane);
        this.#name(tab);
      },
      over: () => {
        pane.over = true;
        this.#name(tab);
        this.#save();
      },
      shortcut: (event) => this.#shortcut(event),
    });
    const pane: Pane = { id, view, title, over: false };
    tab.panes.push(pane);
    tab.active ??= pane;
    tab.element.append(view.element);
    tab.element.dataset.direction = tab.direction;
    this.#name(tab);
    return pane;
  }

  #show(tab: Tab, pane: Pane | undefined = tab.active ?? tab.panes[0]): void {
    const before = this.#active;
    this.#active = tab;
    for (const each of this.#tabs) {
      each.element.hidden = each !== tab;
      each.handle.classList.toggle("active", each === tab);
      each.handle.querySelector("[role=tab]")!.setAttribute("aria-selected", String(each === tab));
    }
    tab.element.dataset.direction = tab.direction;
    for (const { view } of tab.panes) {
      // Opened when it is seen first: a terminal needs a size.
      if (view.element.dataset.opened === undefined) {
        view.element.dataset.opened = "yes";
        view.open();
      } else view.fit();
    }
    tab.active = pane;
    pane?.view.focus();
    this.#name(tab);
    if (before !== tab) this.#save();
  }

  #name(tab: Tab): void {
    const { title = "terminal", over = false } = tab.active ?? tab.panes[0] ?? {};
    const text = title || "terminal";
    tab.handle.querySelector(".name")!.textContent = over ? `${text} (ended)` : text;
    if (tab === this.#active) document.title = `${text} – cloudterm`;
  }

  async #closePane(tab: Tab, pane: Pane | undefined): Promise<void> {
    if (pane === undefined) return;
    if (!pane.over) {
      if (!(await confirmed("End this terminal and the programs in it?", "End it"))) return;
      await api("DELETE", `terminals/${pane.id}`).catch(() => {});
    }
    pane.view.close();
    tab.panes.splice(tab.panes.indexOf(pane), 1);
    tab.active = tab.panes[0];
    if (tab.panes.length === 0) {
      tab.element.remove();
      tab.handle.remove();
      this.#tabs.splice(this.#tabs.indexOf(tab), 1);
      if (this.#active === tab) this.#active = undefined;
    }
    forget(this.#welcome.user, pane.id);
    const next = this.#active ?? this.#tabs.at(-1);
    if (next !== undefined) this.#show(next);
    this.#save();
  }

  async #files(): Promise<void> {
    const pane = this.#active?.active;
    const { terminals } = await api<{ terminals: TerminalInfo[] }>("GET", "terminals");
    const info = terminals.find(({ id }) => id === pane?.id);
    if (info?.hasFiles === true) await openFiles(info.id);
    else toast("There are no files beside this terminal.");
  }

  #share(): void {
    const pane = this.#active?.active;
    if (pane === undefined || pane.over) toast("There is no terminal to share.");
    else void openShare(pane.id);
  }

  #save(): void {
    const layout: Layout = {
      tabs: this.#tabs.map(({ panes, direction }) => ({
        direction,
        terminals: panes.filter(({ over }) => !over).map(({ id }) => id),
      })),
      active: Math.max(0, this.#active === undefined ? 0 : this.#tabs.indexOf(this.#active)),
    };
    saveLayout(this.#welcome.user, layout);
  }

  /** @returns whether the key is ours and not the program's */
  #shortcut(event: KeyboardEvent): boolean {
    const isOurs = this.#actionOf(event);
    if (isOurs === undefined) return false;
    event.preventDefault();
    if (event.type === "keydown") isOurs();
    return true;
  }

  #actionOf({ altKey, ctrlKey, shiftKey, metaKey, code }: KeyboardEvent): (() => void) | undefined {
    const view = this.#active?.active?.view;
    const step = (by: number) => () => {
      const at = this.#active === undefined ? 0 : this.#tabs.indexOf(this.#active);
      const next = this.#tabs.at((at + by) % this.#tabs.length);
      if (next !== undefined) this.#show(next);
    };
    if (altKey && shiftKey && !ctrlKey && !metaKey) {
      switch (code) {
        case "KeyT":
          return () => void this.#open();
        case "KeyD":
          return () => void this.#open("row");
        case "KeyE":
          return () => void this.#open("column");
        case "KeyW":
          return () => this.#active && void this.#closePane(this.#active, this.#active.active);
        case "ArrowRight":
          return step(1);
        case "ArrowLeft":
          return step(-1);
      }
    }
    if (ctrlKey && shiftKey && !altKey) {
      if (code === "KeyF") return () => this.#search.open();
      if (code === "KeyC")
        return () => void view?.copy().catch(() => toast("The browser does not allow it.", "error"));
      if (code === "KeyV")
        return () => void view?.paste().catch(() => toast("The browser does not allow it.", "error"));
    }
    return undefined;
  }
}
