import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { Terminal } from "@xterm/xterm";
import { readCast } from "./asciicast.js";
import { dialog, field, h } from "./dom.js";
import { colors, settings } from "./settings.js";
import { drawWithWebgl } from "./webgl.js";

/** Plays a recording: what a program asks in it is answered to nobody, and no output of it reaches the clipboard. */
export function playRecording(title: string, text: string): void {
  const { columns, rows, events } = readCast(text);
  const endSeconds = events.at(-1)?.atSeconds ?? 0;
  const { fontFamily, fontSize } = settings();
  const terminal = new Terminal({
    theme: colors(),
    fontFamily,
    fontSize,
    cols: columns,
    rows,
    allowProposedApi: true,
    minimumContrastRatio: 4.5,
    disableStdin: true,
  });
  terminal.loadAddon(new UnicodeGraphemesAddon());
  const screen = h("div", { className: "player-screen" });
  const toggle = h("button", { type: "button", className: "primary" }, "Pause");
  const place = h("input", {
    type: "range",
    min: "0",
    max: String(endSeconds),
    step: "any",
    value: "0",
    aria: { label: "Place" },
  });
  const speed = h(
    "select",
    { name: "speed" },
    ...["1", "2", "4", "8"].map((times) => h("option", { value: times }, `${times}×`)),
  );

  let atSeconds = 0;
  let next = 0;
  let isPlaying = false;
  let lastMs = 0;
  let frame = 0;

  const showUntil = (seconds: number) => {
    if (seconds < atSeconds) {
      terminal.reset();
      terminal.resize(columns, rows);
      next = 0;
    }
    atSeconds = seconds;
    let output = "";
    for (; next < events.length && events[next]!.atSeconds <= seconds; next++) {
      const { kind, data } = events[next]!;
      if (kind === "o") output += data;
      else if (kind === "r") {
        terminal.write(output);
        output = "";
        const [wide = 0, high = 0] = data.split("x").map(Number);
        // In order with the output, which is parsed later.
        if (wide > 0 && high > 0) terminal.write("", () => terminal.resize(wide, high));
      }
    }
    terminal.write(output);
    place.value = String(seconds);
  };
  const pause = () => {
    isPlaying = false;
    cancelAnimationFrame(frame);
    toggle.textContent = "Play";
  };
  const step = (nowMs: number) => {
    const to = atSeconds + (Math.max(0, nowMs - lastMs) / 1000) * Number(speed.value);
    lastMs = nowMs;
    showUntil(Math.min(to, endSeconds));
    if (atSeconds >= endSeconds) pause();
    else frame = requestAnimationFrame(step);
  };
  const play = () => {
    if (atSeconds >= endSeconds) showUntil(0);
    isPlaying = true;
    lastMs = performance.now();
    toggle.textContent = "Pause";
    frame = requestAnimationFrame(step);
  };
  toggle.onclick = () => (isPlaying ? pause() : play());
  place.oninput = () => {
    pause();
    showUntil(Number(place.value));
  };

  const controls = h("div", { className: "player-controls" }, toggle, place, field("Speed", speed));
  const element = dialog(title, screen, controls);
  element.classList.add("player");
  // The canvas shows pixels only: whoever reads the page by program reads this.
  Object.assign(screen, {
    terminalText: () => {
      const { active } = terminal.buffer;
      return Array.from({ length: active.length }, (_, i) => active.getLine(i)!.translateToString(true)).join(
        "\n",
      );
    },
  });
  element.addEventListener("close", () => {
    pause();
    terminal.dispose();
  });
  terminal.open(screen);
  drawWithWebgl(terminal, screen);
  play();
}
