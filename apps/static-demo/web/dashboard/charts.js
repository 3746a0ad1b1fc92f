// Lines over the last two minutes. Colours come from the style sheet, so that light and dark follow it.

const points = 120;

export class Chart {
  #canvas;
  #series;
  #format;

  /** @param {HTMLCanvasElement} canvas @param {string[]} colors names of custom properties @param {(value: number) => string} format */
  constructor(canvas, colors, format) {
    this.#canvas = canvas;
    this.#series = colors.map((color) => ({ color, values: [] }));
    this.#format = format;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** @param {number[]} values one for each line */
  add(values) {
    this.#series.forEach((line, i) => {
      line.values.push(values[i]);
      if (line.values.length > points) line.values.shift();
    });
    this.draw();
  }

  draw() {
    const canvas = this.#canvas;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0) return;
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const top = roundUp(Math.max(...this.#series.flatMap(({ values }) => values), 0));
    const left = 64;
    const bottom = height - 6;
    const y = (value) => bottom - (value / top) * (bottom - 10);
    context.font = "12px ui-sans-serif, system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const share of [0, 0.5, 1]) {
      const at = Math.round(y(top * share)) + 0.5;
      context.strokeStyle = resolved("--line");
      context.beginPath();
      context.moveTo(left, at);
      context.lineTo(width, at);
      context.stroke();
      context.fillStyle = resolved("--soft");
      context.fillText(this.#format(top * share), left - 8, Math.min(Math.max(at, 8), height - 8));
    }
    const step = (width - left) / (points - 1);
    for (const { color: name, values } of this.#series) {
      if (values.length === 0) continue;
      context.strokeStyle = resolved(name);
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.beginPath();
      values.forEach((value, i) => {
        const x = width - (values.length - 1 - i) * step;
        if (i === 0) context.moveTo(x, y(value));
        else context.lineTo(x, y(value));
      });
      context.stroke();
    }
  }
}

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** A canvas does not know `light-dark()`: an element resolves it. */
function resolved(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

/** 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((one) => one * power >= value * 0.999) * power;
}
