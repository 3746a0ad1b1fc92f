import { ClipboardAddon } from "@xterm/addon-clipboard";
import { FitAddon } from "@xterm/addon-fit";
import { ImageAddon } from "@xterm/addon-image";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { confirmed, h, toast } from "./dom.js";
import { colors, onSettings, settings } from "./settings.js";
import { type SocketSource, type SocketStatus, TerminalSocket } from "./terminal-socket.js";
import { drawWithWebgl } from "./webgl.js";

export interface PaneEvents {
  title(title: string): void;
  focused(): void;
  over(message: string): void;
  shortcut(event: KeyboardEvent): boolean;
}

/** Output up to here is old when the pane opens: programs have long had the answers to what they asked in it. */
export type ReplayEnd = () => Promise<number>;

/** One terminal on the page. */
export class TerminalPane {
  readonly element: HTMLElement;
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #socket: TerminalSocket;
  readonly #banner = h("div", { className: "banner", role: "status", hidden: true });
  readonly #screen = h("div", { className: "screen" });
  readonly #observer: ResizeObserver;
  readonly #offSettings: () => void;
  readonly #events: PaneEvents;
  #replayEnd = Number.POSITIVE_INFINITY;
  #written = 0;
  #clipboardAllowed: boolean | undefined;
  #readOnly = false;
  #onControl: (() => void) | undefined;

  constructor(source: SocketSource, replayEnd: ReplayEnd, events: PaneEvents) {
    this.#events = events;
    this.#terminal = new Terminal({
      ...this.#look(),
      allowProposedApi: true,
      // Dark text on a dark background is for nobody, whatever the program and the theme say.
      minimumContrastRatio: 4.5,
      macOptionIsMeta: true,
      scrollOnUserInput: true,
    });
    this.element = h(
      "section",
      { className: "pane", aria: { label: "Terminal" } },
      this.#screen,
      this.#banner,
    );
    this.#addParts();
    this.#socket = new TerminalSocket(source, {
      output: (bytes, sequenceEnd) => {
        this.#terminal.write(bytes, () => {
          this.#written = sequenceEnd;
          this.#socket.acknowledge(sequenceEnd);
        });
      },
      reset: () => this.#terminal.reset(),
      state: (state) => this.#state(state),
      title: (title) => events.title(title),
      status: (status) => this.#status(status),
    });
    this.#offSettings = onSettings(() => {
      Object.assign(this.#terminal.options, this.#look());
      this.fit();
    });
    // The canvas shows pixels only: whoever reads the page by program reads this.
    Object.assign(this.element, { terminalText: () => this.#text() });
    this.#observer = new ResizeObserver(() => this.fit());
    void replayEnd().then(
      (end) => {
        this.#replayEnd = end;
      },
      () => {
        this.#replayEnd = 0;
      },
    );
  }

  /** After it was put into the page. */
  open(): void {
    this.#terminal.open(this.#screen);
    drawWithWebgl(this.#terminal, this.#screen);
    this.#terminal.textarea?.addEventListener("focus", () => this.#events.focused());
    this.#observer.observe(this.#screen);
    const { cols, rows } = this.#fit.proposeDimensions() ?? { cols: 80, rows: 24 };
    this.#socket.start({ columns: cols, rows });
  }

  /** Tells the gateway what fits here; the terminal becomes what the gateway decides. */
  fit(): void {
    const size = this.#fit.proposeDimensions();
    if (size === undefined || !(size.cols > 0 && size.rows > 0)) return;
    this.#socket.resize({ columns: size.cols, rows: size.rows });
  }

  focus(): void {
    this.#terminal.focus();
  }

  input(text: string): void {
    this.#terminal.input(text);
    this.focus();
  }

  /** An arrow key, as the program wants it now: `A` up, `B` down, `C` right, `D` left. */
  arrow(letter: string): void {
    this.input(`\x1b${this.#terminal.modes.applicationCursorKeysMode ? "O" : "["}${letter}`);
  }

  /** Makes a control key of the next letter that is typed. @param onUsed it was typed */
  holdControl(onUsed: (() => void) | undefined): void {
    this.#onControl = onUsed;
    this.focus();
  }

  find(text: string, backwards = false): boolean {
    const decorations = {
      matchOverviewRuler: "#e6c07b",
      activeMatchColorOverviewRuler: "#f07178",
      matchBackground: "#6b5a1e",
      activeMatchBackground: "#a3651f",
    };
    return backwards
      ? this.#search.findPrevious(text, { decorations })
      : this.#search.findNext(text, { decorations });
  }

  endFind(): void {
    this.#search.clearDecorations();
    this.focus();
  }

  async copy(): Promise<void> {
    const text = this.#terminal.getSelection();
    if (text !== "") await navigator.clipboard.writeText(text);
  }

  async paste(): Promise<void> {
    this.#terminal.paste(await navigator.clipboard.readText());
  }

  close(): void {
    this.#observer.disconnect();
    this.#offSettings();
    this.#socket.close();
    this.#terminal.dispose();
    this.element.remove();
  }

  #text(): string {
    const { active } = this.#terminal.buffer;
    let text = "";
    for (let i = 0; i < active.length; i++) {
      const line = active.getLine(i)!;
      text += `${line.isWrapped || i === 0 ? "" : "\n"}${line.translateToString(true)}`;
    }
    return text;
  }

  #look() {
    const { fontFamily, fontSize, scrollback, cursorBlink } = settings();
    return { theme: colors(), fontFamily, fontSize, scrollback, cursorBlink };
  }

  #addParts(): void {
    const terminal = this.#terminal;
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(this.#search);
    terminal.loadAddon(new UnicodeGraphemesAddon());
    terminal.loadAddon(new ImageAddon());
    terminal.loadAddon(
      new WebLinksAddon((event, url) => {
        // A click selects; only with Ctrl or ⌘ it leaves.
        if (event.ctrlKey || event.metaKey) window.open(url, "_blank", "noopener,noreferrer");
      }),
    );
    terminal.loadAddon(new ClipboardAddon());
    this.#silence();
    terminal.onData((data) => {
      if (!this.#isReplay()) this.#socket.send(this.#controlled(data));
    });
    terminal.onBinary((data) => {
      if (!this.#isReplay()) this.#socket.sendBinary(data);
    });
    terminal.onTitleChange((title) => this.#events.title(title));
    terminal.onBell(() => this.#bell());
    terminal.attachCustomKeyEventHandler((event) => !this.#events.shortcut(event));
  }

  /** What is typed, as a control key when that is held. */
  #controlled(data: string): string {
    const onUsed = this.#onControl;
    if (onUsed === undefined || !/^[@-_a-z ]$/.test(data)) return data;
    this.#onControl = undefined;
    onUsed();
    return String.fromCharCode(data.toUpperCase().charCodeAt(0) & 0x1f);
  }

  #isReplay(): boolean {
    return this.#readOnly || this.#written < this.#replayEnd;
  }

  /** What output must not be able to do: make the terminal type, read the clipboard, or write it unasked. */
  #silence(): void {
    const { parser } = this.#terminal;
    // DECRQSS and the reports of title and icon.
    parser.registerDcsHandler({ intermediates: "$", final: "q" }, () => true);
    parser.registerCsiHandler({ final: "t" }, () => true);
    parser.registerOscHandler(52, (data) => {
      const text = data.slice(data.indexOf(";") + 1);
      // Asks what the clipboard holds: no answer.
      if (text === "?" || this.#isReplay()) return true;
      if (this.#clipboardAllowed === true) return false;
      if (this.#clipboardAllowed === undefined) void this.#askClipboard(data);
      return true;
    });
  }

  async #askClipboard(data: string): Promise<void> {
    this.#clipboardAllowed = false;
    this.#clipboardAllowed = await confirmed(
      "A program in this terminal wants to write to your clipboard.",
      "Allow in this terminal",
    );
    if (!this.#clipboardAllowed) return;
    const text = new TextDecoder().decode(
      Uint8Array.from(atob(data.slice(data.indexOf(";") + 1)), (letter) => letter.charCodeAt(0)),
    );
    await navigator.clipboard.writeText(text).catch(() => toast("The browser does not allow it.", "error"));
  }

  #state(state: Readonly<Record<string, unknown>>): void {
    const { columns, rows, access, viewers, sequence, title } = state;
    if (typeof title === "string" && title !== "") this.#events.title(title);
    if (typeof sequence === "number") this.#written = Math.max(this.#written, sequence);
    if (typeof columns === "number" && typeof rows === "number") this.#terminal.resize(columns, rows);
    if (access !== undefined) {
      this.#readOnly = access === "read";
      this.#terminal.options.disableStdin = this.#readOnly;
      this.element.classList.toggle("read-only", this.#readOnly);
    }
    if (typeof viewers === "number") this.element.dataset.viewers = String(viewers);
  }

  #status(status: SocketStatus): void {
    this.#banner.hidden = status.kind === "open";
    this.element.dataset.status = status.kind;
    if (status.kind === "waiting")
      this.#banner.textContent = `Connection lost. Trying again in ${status.seconds} s …`;
    if (status.kind !== "over") return;
    this.#banner.textContent = `${status.message} — nothing more will come.`;
    this.#terminal.options.disableStdin = true;
    this.#events.over(status.message);
  }

  #bell(): void {
    const { bell } = settings();
    if (bell === "visual") {
      this.element.classList.add("bell");
      setTimeout(() => this.element.classList.remove("bell"), 150);
    } else if (bell === "sound") {
      const context = new AudioContext();
      const tone = context.createOscillator();
      tone.connect(context.destination);
      tone.start();
      tone.stop(context.currentTime + 0.08);
      tone.onended = () => void context.close();
    }
  }
}
