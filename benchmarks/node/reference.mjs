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
    const answer = await fetch(upstream + request.url, { method: request.method, agent, redirect: 'manual' });
    response.status(answer.status).set('content-type', answer.headers.get('content-type'));
    response.send(Buffer.from(await answer.arrayBuffer()));
  } catch (error) {
    response.status(502).json({ error: String(error) });
  }
});

app.listen(Number(port), '127.0.0.1');
