// The service account that asks the Directory: whoever it is and however it proves it, it ends in a token for one user's name.
import { isServiceAccount } from "../config/provider_schema.ts";
import type { Secret } from "../config/secrets.ts";
import { isLoopbackHost } from "../config/url_rules.ts";
import {
  type Assertion,
  buildAssertion,
  googleTokenUrl,
  redeemAssertion,
  signWithKey,
  tokenIn,
} from "./google_assertion.ts";
import { federatedToken } from "./google_federation.ts";
import { cloudScope, parseImpersonationUrl, signAs } from "./google_iam.ts";
import { machineAccount, machineToken } from "./google_metadata_server.ts";
import { type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

export interface ServiceAccount {
  /** An access token for `scope` in the name of `subject`. @throws ProviderError */
  tokenFor(subject: string, scope: string, call: ApiCall): Promise<string>;
  /** Signs something that is sent nowhere. Gives the account's address. @throws ProviderError */
  trySigning(call: ApiCall): Promise<string>;
}

export interface ServiceAccountSource {
  /** JSON: `service_account`, `impersonated_service_account`, `external_account` or `authorized_user`. */
  file?: Secret;
  /** `metadata` or an address. */
  account?: string;
}

type Table = Record<string, unknown>;

interface Signer {
  account: string;
  /** Where the assertion is redeemed. */
  tokenUrl: string;
  sign(claims: ReturnType<typeof buildAssertion>): Promise<string>;
}

export function createServiceAccount({ file, account }: ServiceAccountSource): ServiceAccount {
  const named = account === "metadata" ? undefined : account;

  async function findSigner(call: ApiCall): Promise<Signer> {
    if (file === undefined) {
      return remoteSigner(named ?? await machineAccount(call), { token: () => machineToken(call), call });
    }
    const table = parseFile(file);
    const token = () => callerToken(table, call);
    if (isKey(table)) {
      const own = keySigner(table);
      return named === undefined || named === own.account ? own : remoteSigner(named, { token, call });
    }
    const target = named ?? parseImpersonationUrl(table.service_account_impersonation_url);
    if (table.type !== "impersonated_service_account") return remoteSigner(target, { token, call });
    // Whoever may impersonate may sign as well: the same role. So nobody has to sign for itself.
    const source = () => callerToken(asTable(table.source_credentials), call);
    return remoteSigner(target, { token: source, delegates: delegatesIn(table), call });
  }

  return {
    async tokenFor(subject, scope, call) {
      const signer = await findSigner(call);
      return await redeem(signer, { account: signer.account, scope, subject }, call);
    },
    async trySigning(call) {
      const { account, tokenUrl, sign } = await findSigner(call);
      await sign(buildAssertion({ account, scope: "", subject: "check" }, { tokenUrl, now: call.now }));
      return account;
    },
  };
}

async function redeem({ tokenUrl, sign }: Signer, assertion: Assertion, call: ApiCall): Promise<string> {
  const signed = await sign(buildAssertion(assertion, { tokenUrl, now: call.now }));
  return await redeemAssertion(call, assertion, { tokenUrl, signed });
}

function remoteSigner(
  account: string,
  { token, delegates = [], call }: { token: () => Promise<string>; delegates?: readonly string[]; call: ApiCall },
): Signer {
  return {
    account,
    tokenUrl: googleTokenUrl,
    sign: async (claims) => await signAs(account, claims, { caller: { token: await token(), delegates }, call }),
  };
}

/** An access token of whoever asks for somebody else's signature. */
async function callerToken(credentials: Table, call: ApiCall): Promise<string> {
  if (isKey(credentials)) {
    const signer = keySigner(credentials);
    return await redeem(signer, { account: signer.account, scope: cloudScope }, call);
  }
  if (credentials.type === "external_account") return await federatedToken(credentials, call);
  if (credentials.type === "authorized_user") return await userToken(credentials, call);
  throw new ProviderError(
    "broken",
    "the type in service_account_file is none of service_account, impersonated_service_account, external_account and authorized_user",
  );
}

/** What `gcloud auth application-default login` leaves. */
async function userToken({ client_id, client_secret, refresh_token }: Table, call: ApiCall): Promise<string> {
  const url = new URL(googleTokenUrl);
  const form = {
    grant_type: "refresh_token",
    client_id: textIn(client_id) ?? "",
    client_secret: textIn(client_secret) ?? "",
    refresh_token: textIn(refresh_token) ?? "",
  };
  return tokenIn(requireObject(await askApi(call, { url, form }), `${url.host}, user of service_account_file`), url);
}

function isKey({ type }: Table): boolean {
  return type === "service_account" || type === undefined;
}

/** @throws ProviderError `broken` when it is not what Google gives for a service account */
function keySigner(table: Table): Signer {
  const [account, privateKey] = [textIn(table.client_email), textIn(table.private_key)];
  const tokenUrl = textIn(table.token_uri) ?? googleTokenUrl;
  if (account === undefined || privateKey === undefined) {
    throw new ProviderError("broken", "service_account_file has no client_email or no private_key");
  }
  const url = URL.canParse(tokenUrl) ? new URL(tokenUrl) : undefined;
  if (url?.protocol !== "https:" && !(url?.protocol === "http:" && isLoopbackHost(url.hostname))) {
    throw new ProviderError("broken", "token_uri in service_account_file is not an https URL");
  }
  return { account, tokenUrl, sign: (claims) => signWithKey(claims, privateKey) };
}

/** @throws ProviderError `broken` */
function parseFile(file: Secret): Table {
  try {
    return asTable(JSON.parse(file.reveal()));
  } catch {
    throw new ProviderError("broken", "service_account_file is not JSON"); // the parser's words would quote the key
  }
}

/** @throws ProviderError `broken` */
function delegatesIn({ delegates = [] }: Table): string[] {
  if (Array.isArray(delegates) && delegates.every((one) => typeof one === "string" && isServiceAccount(one))) {
    return delegates;
  }
  throw new ProviderError("broken", "delegates in service_account_file are not addresses of service accounts");
}

function asTable(value: unknown): Table {
  return typeof value === "object" && value !== null ? value as Table : {};
}
