import { dialog, field, h } from "./dom.js";

export interface Settings {
  readonly theme: "system" | "dark" | "light";
  readonly fontFamily: string;
  readonly fontSize: number;
  readonly scrollback: number;
  readonly bell: "none" | "visual" | "sound";
  readonly cursorBlink: boolean;
}

const KEY = "cloudterm.settings";
const DEFAULTS: Settings = {
  theme: "system",
  fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace',
  fontSize: 14,
  scrollback: 10_000,
  bell: "visual",
  cursorBlink: true,
};

let current: Settings = load();
const listeners = new Set<(settings: Settings) => void>();

function load(): Settings {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>) };
  } catch {
    return DEFAULTS;
  }
}

export function settings(): Settings {
  return current;
}

/** @returns what ends it */
export function onSettings(listener: (settings: Settings) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(part: Partial<Settings>): void {
  current = { ...current, ...part };
  localStorage.setItem(KEY, JSON.stringify(current));
  applyTheme();
  for (const listener of listeners) listener(current);
}

const light = matchMedia("(prefers-color-scheme: light)");
light.addEventListener("change", () => {
  applyTheme();
  for (const listener of listeners) listener(current);
});

export function isLight(): boolean {
  return current.theme === "light" || (current.theme === "system" && light.matches);
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = isLight() ? "light" : "dark";
}

const DARK_COLORS = {
  background: "#10141c",
  foreground: "#d8dee9",
  cursor: "#7fe0c3",
  cursorAccent: "#10141c",
  selectionBackground: "#3b4f74",
  black: "#20262f",
  red: "#f07178",
  green: "#9ece6a",
  yellow: "#e6c07b",
  blue: "#6ea8fe",
  magenta: "#c792ea",
  cyan: "#7fdbca",
  white: "#c8d0dc",
  brightBlack: "#5c6773",
  brightRed: "#ff8b92",
  brightGreen: "#b9f27c",
  brightYellow: "#ffd98a",
  brightBlue: "#93bdff",
  brightMagenta: "#ddb6f2",
  brightCyan: "#a8efe0",
  brightWhite: "#ffffff",
};

const LIGHT_COLORS = {
  background: "#fbfbf9",
  foreground: "#24292f",
  cursor: "#0b7a5e",
  cursorAccent: "#fbfbf9",
  selectionBackground: "#bcd6f5",
  black: "#24292f",
  red: "#b3261e",
  green: "#2a6f2b",
  yellow: "#8a5a00",
  blue: "#0b57b8",
  magenta: "#7b3aa0",
  cyan: "#0b6b78",
  white: "#57606a",
  brightBlack: "#6e7781",
  brightRed: "#c93c34",
  brightGreen: "#347d39",
  brightYellow: "#9a6700",
  brightBlue: "#1f6feb",
  brightMagenta: "#8e4ec6",
  brightCyan: "#1b7c83",
  brightWhite: "#1f2328",
};

export function colors(): typeof DARK_COLORS {
  return isLight() ? LIGHT_COLORS : DARK_COLORS;
}

export function openSettings(): void {
  const choice = (name: "theme" | "bell", options: Readonly<Record<string, string>>) => {
    const list = Object.entries(options).map(([value, text]) =>
      h("option", { value, selected: current[name] === value }, text),
    );
    const select = h("select", { name }, ...list);
    select.onchange = () => change({ [name]: select.value });
    return select;
  };
  const number = (name: "fontSize" | "scrollback", min: number, max: number) => {
    const input = h("input", {
      name,
      type: "number",
      min: String(min),
      max: String(max),
      value: String(current[name]),
    });
    input.onchange = () => {
      const value = Math.min(max, Math.max(min, Math.round(Number(input.value)) || min));
      input.value = String(value);
      change({ [name]: value });
    };
    return input;
  };
  const font = h("input", { name: "fontFamily", value: current.fontFamily });
  font.onchange = () => change({ fontFamily: font.value || DEFAULTS.fontFamily });
  const blink = h("input", { name: "cursorBlink", type: "checkbox", checked: current.cursorBlink });
  blink.onchange = () => change({ cursorBlink: blink.checked });
  dialog(
    "Settings",
    h(
      "form",
      { className: "grid" },
      field("Theme", choice("theme", { system: "As the system", dark: "Dark", light: "Light" })),
      field("Font", font),
      field("Font size", number("fontSize", 6, 40)),
      field("Scrollback lines", number("scrollback", 100, 200_000)),
      field("Bell", choice("bell", { none: "None", visual: "Flash", sound: "Sound" })),
      field("Blinking cursor", blink),
    ),
    h("p", { className: "hint" }, "Kept in this browser."),
  );
}
