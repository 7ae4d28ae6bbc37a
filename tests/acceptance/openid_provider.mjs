// An OpenID provider (the certified `oidc-provider`) that anybody can log in at by name.
//
//   node openid_provider.mjs <folder with node_modules> <JSON: {issuer, port, clients, accounts}>

import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, settings] = process.argv.slice(2);
const { issuer, port, clients, accounts } = JSON.parse(settings);
const found = createRequire(join(folder, "package.json")).resolve("oidc-provider");
const { default: Provider } = await import(pathToFileURL(found));

const jwk = (kind, options) => generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" });
const keys = [jwk("rsa", { modulusLength: 2048 }), jwk("ec", { namedCurve: "P-256" }), jwk("ed25519", {})];

const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  cookies: { keys: ["only for tests"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "Ed25519", "EdDSA"] },
  pkce: { required: () => true },
  findAccount: (_, name) => accounts[name] && { accountId: name, claims: () => ({ sub: name, ...accounts[name] }) },
  // Nobody is asked what the client may know.
  async loadExistingGrant({ oidc }) {
    const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
