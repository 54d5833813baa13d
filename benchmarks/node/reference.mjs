// The bare pass-through that the gateway is measured against: express and node-fetch over a keep-alive agent, no authentication.
import http from 'node:http';
import express from 'express';
import fetch from 'node-fetch';

const [, , port, upstream] = process.argv;
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const app = express();
app.disable('x-powered-by');
app.set('etag', false);

app.use('/api/scaleops/api', async (request, response) => {
  try {
    const upstreamResponse = await fetch(upstream + request.url, { method: request.method, agent, redirect: 'manual' });
    response.status(upstreamResponse.status).set('content-type', upstreamResponse.headers.get('content-type'));
    response.send(Buffer.from(await upstreamResponse.arrayBuffer()));
  } catch (error) {
    response.status(502).json({ error: String(error) });
  }
});

app.listen(Number(port), '127.0.0.1');
