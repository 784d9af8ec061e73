// A real OpenID provider (npm oidc-provider) for the tests: on loopback, everybody is logged in and consents at once.
//
//   node provider.mjs NODE_MODULES PORT JWKS_FILE
//
// `acr_values` of a request is what the login reaches: the first of them, else urn:password. Resources that end in
// /opaque give opaque access tokens, all others signed ones.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const [modules, port, keys] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(path.join(modules, 'oidc-provider/lib/index.js')));
const { createLocalJWKSet, jwtVerify } = await import(pathToFileURL(path.join(modules, 'jose/dist/webapi/index.js')));
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  jwks: JSON.parse(readFileSync(keys, 'utf8')),
  cookies: { keys: ['only-for-tests'] },
  pkce: { required: () => true },
  acrValues: ['urn:password', 'urn:mfa'],
  scopes: ['openid', 'offline_access'],
  clients: [
    {
      client_id: 'service',
      client_secret: 'service-secret',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'exchanger',
      client_secret: 'exchanger-secret',
      grant_types: [EXCHANGE],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'gate',
      client_secret: 'gate-secret',
      grant_types: [],
      response_types: [],
      redirect_uris: [],
      introspection_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims(ctx, token) {
    const code = ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.RefreshToken;
    const found = { groups: ['staff'] };
    if (code?.acr) found.acr = code.acr;
    if (code?.authTime) found.auth_time = code.authTime;
    return found;
  },
  ttl: { AccessToken: 600, ClientCredentials: 600, Session: 3600, Interaction: 600, Grant: 3600 },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        scope: 'mcp crm:write admin',
        audience: resource.replace(/\/opaque$/, ''),
        accessTokenFormat: resource.endsWith('/opaque') ? 'opaque' : 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});

// RFC 8693: a token for another resource, for whomever a token of this provider is for.
provider.registerGrantType(
  EXCHANGE,
  async (ctx) => {
    const { client, params } = ctx.oidc;
    const own = JSON.parse(readFileSync(keys, 'utf8')).keys;
    const trusted = createLocalJWKSet({ keys: own.map(({ kty, kid, n, e }) => ({ kty, kid, n, e, alg: 'RS256' })) });
    const { payload } = await jwtVerify(params.subject_token, trusted, { issuer, typ: 'at+jwt' });
    const token = new provider.AccessToken({ accountId: payload.sub, client, gty: 'token-exchange' });
    token.resourceServer = new provider.ResourceServer(params.resource, {
      scope: 'mcp',
      audience: params.resource,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: 'RS256' } },
    });
    token.scope = 'mcp';
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: token.expiration,
      scope: token.scope,
    };
  },
  ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'],
);

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  let result;
  if (prompt.name === 'login') {
    const acr = params.acr_values?.split(' ')[0] ?? 'urn:password';
    result = { login: { accountId: 'alice', acr, ts: Math.floor(Date.now() / 1000) } };
  } else {
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const missing = prompt.details;
    if (missing.missingOIDCScope) grant.addOIDCScope(missing.missingOIDCScope.join(' '));
    for (const [resource, scopes] of Object.entries(missing.missingResourceScopes ?? {})) {
      grant.addResourceScope(resource, scopes.join(' '));
    }
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  ctx.respond = false;
});

provider.on('server_error', (_, error) => console.log(error));
provider.listen(Number(port), '127.0.0.1', () => console.log(`ready: ${issuer}`));
