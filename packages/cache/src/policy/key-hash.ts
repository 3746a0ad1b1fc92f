/** A hash of a key as an integer of 32 bits (signed or not: only the bits count). */
export type KeyHash<K> = (key: K) => number;

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);

/** Spreads every bit over the whole word (the finalizer of MurmurHash3). */
export function mix32(bits: number): number {
  let h = bits | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function hashString(text: string): number {
  let h = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), FNV_PRIME);
  return mix32(h);
}

function hashNumber(value: number): number {
  if ((value | 0) === value) return mix32(value);
  float[0] = value;
  return mix32(floatWords[0]! ^ Math.imul(floatWords[1]!, FNV_PRIME));
}

/** A hash by the key's type; objects, functions and symbols get a number each on first sight. */
export function defaultKeyHash(): KeyHash<unknown> {
  let numbers: WeakMap<object, number> | undefined;
  let seen = 0;
  return (key) => {
    switch (typeof key) {
      case "string":
        return hashString(key);
      case "number":
        return hashNumber(key);
      case "object":
      case "function": {
        if (key === null) return 0;
        numbers ??= new WeakMap();
        let number = numbers.get(key);
        if (number === undefined) numbers.set(key, (number = ++seen));
        return mix32(number);
      }
      default:
        return hashString(`${typeof key}:${String(key)}`);
    }
  };
}
