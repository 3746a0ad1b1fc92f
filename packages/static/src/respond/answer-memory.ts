/**
 * Where cached answers live. With system calls, memory whose address does not move, so that the executor sends
 * head and body with one `writev`; otherwise ordinary buffers.
 */
import { Region } from "@tz/sys";

export interface Block {
  readonly bytes: Uint8Array;
  /** `undefined` when the bytes have no address to give to the kernel. */
  readonly address: number | undefined;
  /** The memory may be used for something else afterwards. */
  free(): void;
}

export interface AnswerMemory {
  allocate(byteLength: number): Block;
}

export const heapMemory: AnswerMemory = {
  allocate(byteLength) {
    return { bytes: new Uint8Array(byteLength), address: undefined, free() {} };
  },
};

export const regionMemory: AnswerMemory = {
  allocate(byteLength) {
    const region = Region.allocate(Math.max(1, byteLength));
    return {
      bytes: region.bytes.subarray(0, byteLength),
      address: region.address,
      free: () => region.release(),
    };
  },
};
