// Runs in Chromium: draws and composes the clip and encodes it with WebCodecs (VP9 and Opus).

const width = 960;
const height = 540;
const fps = 24;
const seconds = 12;
const keyEveryFrames = 2 * fps;
const sampleRate = 48_000;

const ink = "#0d1321";
const line = "#26324d";
const paper = "#eef1f7";
const accent = "#ff8a3d";
const calm = "#4cc2ff";

const columns = 48;
const rows = 9;

/** The picture says where the player is: seconds in figures, and a grid of blocks as the file's bytes. */
function drawFrame(context, t) {
  context.fillStyle = ink;
  context.fillRect(0, 0, width, height);
  drawBlocks(context, t);
  drawOrbit(context, t);
  context.fillStyle = paper;
  context.font = "600 104px ui-monospace, 'DejaVu Sans Mono', monospace";
  context.textBaseline = "alphabetic";
  context.fillText(`${t.toFixed(2).padStart(5, "0")}`, 56, 178);
  context.font = "500 25px ui-sans-serif, 'DejaVu Sans', sans-serif";
  context.fillStyle = "#9aa8c7";
  context.fillText("seconds, each found by a byte range", 60, 228);
}

function drawBlocks(context, t) {
  const left = 56;
  const top = 322;
  const cell = (width - 2 * left) / columns;
  const position = (t / seconds) * columns * rows;
  for (let i = 0; i < columns * rows; i++) {
    const column = Math.floor(i / rows);
    const row = i % rows;
    const age = position - i;
    const wave = 0.5 + 0.5 * Math.sin(column * 0.42 + row * 0.9 - t * 2.1);
    context.globalAlpha = age > 0 ? 0.35 + 0.65 * Math.exp(-age / 26) + 0.18 * wave : 1;
    context.fillStyle = age > 0 ? (age < 14 ? accent : calm) : line;
    const inset = age > 0 ? 1.5 : 4;
    context.beginPath();
    context.roundRect(
      left + column * cell + inset,
      top + row * cell + inset,
      cell - 2 * inset,
      cell - 2 * inset,
      3,
    );
    context.fill();
  }
  context.globalAlpha = 1;
}

function drawOrbit(context, t) {
  const x = 782;
  const y = 160;
  for (let ring = 0; ring < 4; ring++) {
    const radius = 34 + ring * 27;
    context.lineWidth = 2;
    context.strokeStyle = line;
    context.beginPath();
    context.arc(x, y, radius, 0, Math.PI * 2);
    context.stroke();
    const angle = (t * Math.PI * 2) / (3 + ring * 3) - Math.PI / 2;
    context.lineWidth = 7;
    context.lineCap = "round";
    context.strokeStyle = ring % 2 ? calm : accent;
    context.beginPath();
    context.arc(x, y, radius, angle - 0.9, angle);
    context.stroke();
  }
}

/** A soft bell a second, one step of a pentatonic scale higher each time, over a low fifth. */
function composeSamples() {
  const samples = new Float32Array(sampleRate * seconds);
  const scale = [0, 2, 4, 7, 9, 12, 14, 16, 19, 21, 24, 26];
  for (let i = 0; i < samples.length; i++) {
    const t = i / sampleRate;
    const beat = Math.floor(t);
    let value = 0.05 * Math.sin(2 * Math.PI * 110 * t) + 0.04 * Math.sin(2 * Math.PI * 165 * t);
    for (let back = 0; back < 3 && beat - back >= 0; back++) {
      const since = t - (beat - back);
      const hertz = 220 * 2 ** (scale[beat - back] / 12);
      const loudness = 0.22 * Math.exp(-since * 2.6) * Math.min(1, since * 200);
      value +=
        loudness *
        (Math.sin(2 * Math.PI * hertz * since) + 0.3 * Math.sin(2 * Math.PI * hertz * 2.01 * since));
    }
    samples[i] = value * Math.min(1, t * 4, (seconds - t) * 4);
  }
  return samples;
}

const copyOf = (chunk) => {
  const bytes = new Uint8Array(chunk.byteLength);
  chunk.copyTo(bytes);
  return Array.from(bytes);
};

async function encodeVideo(frames) {
  const encoder = new VideoEncoder({
    output: (chunk) =>
      frames.push({
        track: 1,
        ms: Math.round(chunk.timestamp / 1000),
        key: chunk.type === "key",
        bytes: copyOf(chunk),
      }),
    error: (error) => {
      throw error;
    },
  });
  encoder.configure({
    codec: "vp09.00.31.08",
    width,
    height,
    bitrate: 520_000,
    framerate: fps,
    latencyMode: "quality",
  });
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  for (let i = 0; i < fps * seconds; i++) {
    drawFrame(context, i / fps);
    const frame = new VideoFrame(canvas, {
      timestamp: Math.round((i * 1e6) / fps),
      duration: Math.round(1e6 / fps),
    });
    encoder.encode(frame, { keyFrame: i % keyEveryFrames === 0 });
    frame.close();
    if (encoder.encodeQueueSize > 8)
      await new Promise((resolve) => encoder.addEventListener("dequeue", resolve, { once: true }));
  }
  await encoder.flush();
}

async function encodeAudio(frames) {
  let opusHead;
  const encoder = new AudioEncoder({
    output: (chunk, metadata) => {
      if (metadata?.decoderConfig?.description)
        opusHead = Array.from(new Uint8Array(metadata.decoderConfig.description));
      frames.push({ track: 2, ms: Math.round(chunk.timestamp / 1000), key: true, bytes: copyOf(chunk) });
    },
    error: (error) => {
      throw error;
    },
  });
  encoder.configure({ codec: "opus", sampleRate, numberOfChannels: 1, bitrate: 48_000 });
  const samples = composeSamples();
  const step = sampleRate / 50;
  for (let start = 0; start < samples.length; start += step) {
    const data = new AudioData({
      format: "f32",
      sampleRate,
      numberOfFrames: step,
      numberOfChannels: 1,
      timestamp: Math.round((start * 1e6) / sampleRate),
      data: samples.subarray(start, start + step),
    });
    encoder.encode(data);
    data.close();
  }
  await encoder.flush();
  return opusHead;
}

/** Called by render-clip.mjs. */
globalThis.renderClip = async () => {
  const frames = [];
  await encodeVideo(frames);
  const opusHead = await encodeAudio(frames);
  frames.sort((a, b) => a.ms - b.ms || a.track - b.track);
  return { width, height, durationMs: seconds * 1000, opusHead, frames };
};

/** One frame as a WebP picture, shown before the clip is played. */
globalThis.renderPoster = async (second) => {
  const canvas = new OffscreenCanvas(width, height);
  drawFrame(canvas.getContext("2d"), second);
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.8 });
  return Array.from(new Uint8Array(await blob.arrayBuffer()));
};
