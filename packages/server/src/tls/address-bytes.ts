import { isIPv4 } from "node:net";

const IPV6_GROUPS = 8;

/** An IP address as the bytes of the network: 4 or 16. @param address one that `net.isIP` knows */
export function networkAddressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  // A dotted tail is two groups.
  const plain = address.replace(/%.*$/, "").replace(/\d+\.\d+\.\d+\.\d+$/, (tail) => {
    const bytes = Buffer.from(tail.split(".").map(Number));
    return `${bytes.readUInt16BE(0).toString(16)}:${bytes.readUInt16BE(2).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groupsOf = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const first = groupsOf(head);
  const last = tail === undefined ? [] : groupsOf(tail);
  const zeros = new Array<number>(IPV6_GROUPS - first.length - last.length).fill(0);
  const bytes = Buffer.alloc(IPV6_GROUPS * 2);
  for (const [i, group] of [...first, ...zeros, ...last].entries()) bytes.writeUInt16BE(group, i * 2);
  return bytes;
}
