// Passes connections on to a worker of the simulator: always the same one while it answers, else the next.
import { lookup } from 'node:dns/promises';
import { connect, createServer } from 'node:net';

const HOST = 'simulator';
const PORT = 8080;

async function workers() {
  const addresses = await lookup(HOST, { all: true }).catch(() => []);
  return addresses.map(({ address }) => address).sort();
}

async function reach() {
  for (const address of await workers()) {
    const upstream = connect({ host: address, port: PORT, timeout: 2_000 });
    const connected = await new Promise((resolve) => {
      upstream.once('connect', () => resolve(true));
      upstream.once('error', () => resolve(false));
      upstream.once('timeout', () => resolve(false));
    });
    if (connected) return upstream.setTimeout(0);
    upstream.destroy();
  }
  return undefined;
}

createServer(async (client) => {
  client.on('error', () => client.destroy());
  const upstream = await reach();
  if (upstream === undefined) {
    client.end(
      'HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nno worker answers yet: docker compose logs simulator\n',
    );
    return;
  }
  upstream.on('error', () => client.destroy());
  client.on('close', () => upstream.destroy());
  upstream.on('close', () => client.destroy());
  client.pipe(upstream).pipe(client);
}).listen(PORT);
