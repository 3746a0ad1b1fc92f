/**
 * Messages that prove themselves: who wrote it, its number, filling that follows from both, and a checksum over
 * all of it (FNV-1a).
 */
export const MESSAGE_WORDS = 14;

export function writeMessage(words: Int32Array, at: number, writer: number, number: number): void {
  words[at] = writer;
  words[at + 1] = number;
  for (let i = 2; i < MESSAGE_WORDS - 1; i++) words[at + i] = Math.imul(number + i, 0x9e3779b1) ^ writer;
  words[at + MESSAGE_WORDS - 1] = checksum(words, at);
}

/** @throws Error when a word is not what was written */
export function checkMessage(words: Int32Array, at: number): void {
  const found = words[at + MESSAGE_WORDS - 1];
  if (found !== checksum(words, at))
    throw new Error(`message ${words[at + 1]} of writer ${words[at]} is torn`);
}

function checksum(words: Int32Array, at: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < MESSAGE_WORDS - 1; i++) hash = Math.imul(hash ^ words[at + i]!, 0x01000193);
  return hash | 0;
}
