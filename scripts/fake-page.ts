/**
 * Serves the status page over a shop that lives in memory: `node scripts/fake-page.ts [port]`. For work on the
 * page's looks, without a database.
 */
import { createHttpServer } from '../src/http/server.ts';
import { createLogger } from '../src/lib/logger.ts';
import { FakeStatusSource } from '../test/support/fake-status-source.ts';

const source = new FakeStatusSource();
source.live();
const server = createHttpServer({
  config: {
    host: '127.0.0.1',
    port: Number(process.argv[2] ?? 18600),
    portWasSet: false,
    controlToken: undefined,
  },
  logger: createLogger({ level: 'info', format: 'auto' }),
  source,
  version: '0.0.0',
});
await server.start();
