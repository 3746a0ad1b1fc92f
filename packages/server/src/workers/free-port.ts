import { type AddressInfo, createServer } from "node:net";

/** A port that nobody listens on at this moment. @throws a system error of Node: `EADDRNOTAVAIL`, `ENOTFOUND` */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
