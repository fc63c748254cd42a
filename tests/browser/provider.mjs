// node provider.mjs --redirect URL: an OpenID provider with a few people, until its standard input ends.
//
// Its first line of output is its address. Its pages ask for a login and take any password: `dan` is an analyst and an operator
// by his groups, `eve` is in no group that means anything here, and `tok` has the name of a token.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import Provider from "oidc-provider";

const { values: options } = parseArgs({ options: { redirect: { type: "string" } } });
const PEOPLE = {
  dan: { email: "dan@example.org", email_verified: true, groups: ["security", "platform-ops"] },
  eve: { email: "eve@example.org", email_verified: true, groups: ["sales"] },
  tok: { email: "bootstrap", email_verified: true, groups: ["security"] },
};

const server = createServer((request, response) => answer(request, response));
let answer = (_, response) => response.writeHead(503).end();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "palisade",
        client_secret: "a secret: with + signs",
        redirect_uris: [options.redirect],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
    scopes: ["openid", "email", "groups"],
    pkce: { required: () => true },
    findAccount: (_, id) =>
      PEOPLE[id] && { accountId: id, claims: () => Promise.resolve({ sub: id, ...PEOPLE[id] }) },
  });
  answer = provider.callback();
  console.log(issuer);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
