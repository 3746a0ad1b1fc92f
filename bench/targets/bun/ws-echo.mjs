// Run by Bun: `bun run ws-echo.mjs PORT`.
Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch: (request, server) =>
    server.upgrade(request) ? undefined : new Response("Upgrade!", { status: 426 }),
  websocket: {
    perMessageDeflate: false,
    message: (socket, message) => void socket.send(message),
  },
});
