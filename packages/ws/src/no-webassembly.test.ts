import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** An echo of a masked "Hello" (RFC 6455 §5.7) through all of a connection, in modules that were loaded anew. */
async function echo(): Promise<{ simd: boolean; sent: string }> {
  vi.resetModules();
  const { sharedWorkspace } = await import("./workspace.js");
  const { WebSocketConnection } = await import("./connection.js");
  let sent = "";
  const sink = {
    write(chunk: Uint8Array): number {
      sent += Buffer.from(chunk).toString("hex");
      return chunk.length;
    },
    close() {},
  };
  const connection = new WebSocketConnection("server", sink, {
    onMessage: (ws, bytes, start, end, isText) => void ws.sendRange(bytes, start, end, isText),
  });
  connection.receive(Buffer.from("818537fa213d7f9f4d5158", "hex"));
  return { simd: sharedWorkspace().kernel.simd, sent };
}

test("with WebAssembly the SIMD kernel masks, without it the plain one, and the echo is the same", async () => {
  expect(await echo()).toEqual({ simd: true, sent: "810548656c6c6f" });
  vi.stubGlobal("WebAssembly", undefined);
  expect(await echo()).toEqual({ simd: false, sent: "810548656c6c6f" });
});
