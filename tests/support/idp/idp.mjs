// SPDX-License-Identifier: Apache-2.0
//
// The real OpenID provider of the tests: oidc-provider with the client
// credentials grant and signed JWTs. Installed by tests/support/install-idp,
// which prints the folder to start it from:
//
//   dir=$(tests/support/install-idp)
//   IDP_CLIENTS='runner:secret other:word' node "$dir/idp.mjs" --life 5
//
// Options: --life SECONDS (300), --port N and --admin-port N (0: any free),
// --cert FILE --key FILE (serve TLS), --auth client_secret_post (instead of
// client_secret_basic), --subject TEXT (sub of the tokens).
// When ready it prints one line of JSON: issuer, token_url, jwks_url,
// admin_url, pid. GET admin_url/requests counts requests to the token
// endpoint: {"token": N, "granted": N}. SIGTERM ends it. Ids and secrets in
// IDP_CLIENTS are form-encoded, so that they may hold any character.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';

import { Provider } from 'oidc-provider';

const HOST = '127.0.0.1';
const AUDIENCE = 'urn:ambient:api';

const { values: options } = parseArgs({
  options: {
    life: { type: 'string', default: '300' },
    port: { type: 'string', default: '0' },
    'admin-port': { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    auth: { type: 'string', default: 'client_secret_basic' },
    subject: { type: 'string' },
  },
});
const life = Number(options.life);

function readClients() {
  const pairs = (process.env.IDP_CLIENTS ?? '').split(' ').filter(Boolean);
  return pairs.map((pair) => {
    const [id, secret] = pair.split(':').map(decodeURIComponent);
    return {
      client_id: id,
      client_secret: secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: options.auth,
    };
  });
}

function makeKeys() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }],
  };
}

function makeProvider(issuer) {
  const resource = {
    scope: 'api',
    audience: AUDIENCE,
    accessTokenFormat: 'jwt',
    accessTokenTTL: life,
    jwt: { sign: { alg: 'RS256' } },
  };
  return new Provider(issuer, {
    clients: readClients(),
    jwks: makeKeys(),
    scopes: ['api'],
    cookies: { keys: ['no cookie is ever set'] },
    ttl: { ClientCredentials: life },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => resource,
      },
    },
    formats: {
      customizers: {
        jwt(ctx, token, parts) {
          if (options.subject) parts.payload.sub = options.subject;
          return parts;
        },
      },
    },
  });
}

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: HOST, port: Number(port) }, () =>
      resolve(server.address().port),
    );
  });
}

const isTls = Boolean(options.cert);
const server = isTls
  ? https.createServer({
      cert: readFileSync(options.cert),
      key: readFileSync(options.key),
    })
  : http.createServer();
const port = await listen(server, options.port);
const issuer = `${isTls ? 'https' : 'http'}://${HOST}:${port}`;
const provider = makeProvider(issuer);
const answer = provider.callback();
const counts = { token: 0, granted: 0 };

server.on('request', (request, response) => {
  if (request.url.split('?')[0] === '/token') {
    counts.token += 1;
    response.on('finish', () => {
      if (response.statusCode === 200) counts.granted += 1;
    });
  }
  answer(request, response);
});

const admin = http.createServer((request, response) => {
  const isKnown = request.url === '/requests';
  response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
  response.end(isKnown ? `${JSON.stringify(counts)}\n` : '{}\n');
});
const adminPort = await listen(admin, options['admin-port']);

process.on('SIGTERM', () => process.exit(0));
console.log(
  JSON.stringify({
    issuer,
    token_url: `${issuer}/token`,
    jwks_url: `${issuer}/jwks`,
    admin_url: `http://${HOST}:${adminPort}`,
    pid: process.pid,
  }),
);
