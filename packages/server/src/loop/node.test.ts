import { loopConformance } from "./loop.conformance.js";
import { NodeLoop } from "./node.js";
import { quiet, SocketClient, until } from "./socket-client.fixture.js";

loopConformance("node", async () => ({
  loop: new NodeLoop(5),
  connect: (port) => SocketClient.open(port),
  until,
  quiet,
}));
