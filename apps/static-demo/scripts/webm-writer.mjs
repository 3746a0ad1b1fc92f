// A WebM file (Matroska subset) with its cues in front of the clusters, so that a player that has read only
// the first kilobytes knows which byte range holds which second. RFC 8794 (EBML), RFC 9559 (Matroska).

const id = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  info: 0x1549a966,
  tracks: 0x1654ae6b,
  cues: 0x1c53bb6b,
  cluster: 0x1f43b675,
};

/** An element number as its own bytes: the length marker is part of the number. */
function idBytes(number) {
  const hex = number.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex");
}

function element(number, ...parts) {
  const content = Buffer.concat(parts);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(content.length) | (1n << 56n));
  return Buffer.concat([idBytes(number), size, content]);
}

function uint(number, value, byteLength = 8) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return element(number, bytes.subarray(8 - byteLength));
}

function float(number, value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return element(number, bytes);
}

const text = (number, value) => element(number, Buffer.from(value, "utf8"));

function simpleBlock(frame, clusterMs) {
  const head = Buffer.alloc(4);
  head[0] = 0x80 | frame.track;
  head.writeInt16BE(frame.ms - clusterMs, 1);
  head[3] = frame.key ? 0x80 : 0;
  return element(0xa3, head, frame.bytes);
}

/** Frames in time order, cut where the video has a key frame. */
function clustersOf(frames) {
  const clusters = [];
  for (const frame of frames) {
    if (clusters.length === 0 || (frame.track === 1 && frame.key))
      clusters.push({ ms: frame.ms, frames: [] });
    clusters.at(-1).frames.push(frame);
  }
  return clusters.map(({ ms, frames: own }) => ({
    ms,
    bytes: element(id.cluster, uint(0xe7, ms, 4), ...own.map((frame) => simpleBlock(frame, ms))),
  }));
}

function cuesOf(clusters, firstPosition) {
  let position = firstPosition;
  const points = clusters.map(({ ms, bytes }) => {
    const point = element(0xbb, uint(0xb3, ms, 4), element(0xb7, uint(0xf7, 1, 1), uint(0xf1, position, 4)));
    position += bytes.length;
    return point;
  });
  return element(id.cues, ...points);
}

const seekTo = (number, position) =>
  element(id.seek, element(id.seekId, idBytes(number)), uint(id.seekPosition, position, 4));

/**
 * @param {{ width: number, height: number, durationMs: number, opusHead: Buffer,
 *   frames: { track: 1 | 2, ms: number, key: boolean, bytes: Buffer }[] }} movie
 *   VP9 on track 1, Opus (48 kHz, mono) on track 2
 */
export function webm({ width, height, durationMs, opusHead, frames }) {
  const header = element(
    id.ebml,
    uint(0x4286, 1, 1),
    uint(0x42f7, 1, 1),
    uint(0x42f2, 4, 1),
    uint(0x42f3, 8, 1),
    text(0x4282, "webm"),
    uint(0x4287, 4, 1),
    uint(0x4285, 2, 1),
  );
  const info = element(
    id.info,
    uint(0x2ad7b1, 1_000_000, 4),
    float(0x4489, durationMs),
    text(0x4d80, "tz"),
    text(0x5741, "tz"),
  );
  const video = element(
    0xae,
    uint(0xd7, 1, 1),
    uint(0x73c5, 1, 1),
    uint(0x83, 1, 1),
    text(0x86, "V_VP9"),
    element(0xe0, uint(0xb0, width, 2), uint(0xba, height, 2)),
  );
  const audio = element(
    0xae,
    uint(0xd7, 2, 1),
    uint(0x73c5, 2, 1),
    uint(0x83, 2, 1),
    text(0x86, "A_OPUS"),
    element(0x63a2, opusHead),
    uint(0x56bb, 80_000_000, 4),
    element(0xe1, float(0xb5, 48_000), uint(0x9f, 1, 1)),
  );
  const tracks = element(id.tracks, video, audio);
  const clusters = clustersOf(frames);

  // Positions count from the first byte after the segment's size; every field has a fixed width, so one dry run gives the sizes.
  const layout = (cuesAt, clustersAt, infoAt, tracksAt) => ({
    seekHead: element(
      id.seekHead,
      seekTo(id.info, infoAt),
      seekTo(id.tracks, tracksAt),
      seekTo(id.cues, cuesAt),
    ),
    cues: cuesOf(clusters, clustersAt),
  });
  const dry = layout(0, 0, 0, 0);
  const infoAt = dry.seekHead.length;
  const tracksAt = infoAt + info.length;
  const cuesAt = tracksAt + tracks.length;
  const { seekHead, cues } = layout(cuesAt, cuesAt + dry.cues.length, infoAt, tracksAt);
  const segment = element(
    id.segment,
    seekHead,
    info,
    tracks,
    cues,
    ...clusters.map((cluster) => cluster.bytes),
  );
  return Buffer.concat([header, segment]);
}
