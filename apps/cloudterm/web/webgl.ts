import { WebglAddon } from "@xterm/addon-webgl";
import type { Terminal } from "@xterm/xterm";

/** Draws with WebGL where that works; otherwise the terminal draws with the DOM. Call it when the terminal is open. */
export function drawWithWebgl(terminal: Terminal, screen: Element): void {
  let webgl: WebglAddon | undefined;
  const stop = () => {
    webgl?.dispose();
    webgl = undefined;
  };
  try {
    webgl = new WebglAddon();
    webgl.onContextLoss(stop);
    terminal.loadAddon(webgl);
  } catch {
    return;
  }
  // A browser that emulates another screen says one number of pixels and draws another: a part of the terminal, enlarged.
  const pixels = new ResizeObserver(([entry]) => {
    pixels.disconnect();
    const wide = entry?.devicePixelContentBoxSize?.[0]?.inlineSize;
    if (wide !== undefined && Math.abs(wide - entry!.contentRect.width * devicePixelRatio) > 2) stop();
  });
  try {
    pixels.observe(screen, { box: "device-pixel-content-box" });
  } catch {
    // Safari knows no such box, and emulates nothing.
  }
}
