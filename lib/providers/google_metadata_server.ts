// The service account that this machine runs as, on Compute Engine, GKE and Cloud Run. No key is involved.
// https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys, https://cloud.google.com/docs/authentication/rest#metadata-server
import { isServiceAccount } from "../config/provider_schema.ts";
import { tokenIn } from "./google_assertion.ts";
import { cloudScope } from "./google_iam.ts";
import { type ApiAnswer, type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

const base = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/";

/** The account's address. @throws ProviderError `unavailable` when there is no such server; `broken` */
export async function machineAccount(call: ApiCall): Promise<string> {
  const answer = requireObject(await ask("?recursive=true", call), "metadata server");
  const email = textIn(answer.email);
  if (email !== undefined && isServiceAccount(email)) return email;
  // GKE answers `PROJECT.svc.id.goog` for a Kubernetes account that stands for no Google account.
  throw new ProviderError(
    "broken",
    "the metadata server names no service account; attach one to this machine, or annotate the Kubernetes service account with iam.gke.io/gcp-service-account",
  );
}

/** An access token of it. @throws ProviderError as `machineAccount` */
export async function machineToken(call: ApiCall): Promise<string> {
  const query = new URLSearchParams({ scopes: cloudScope });
  return tokenIn(requireObject(await ask(`token?${query}`, call), "metadata server, token"), new URL(base));
}

async function ask(path: string, call: ApiCall): Promise<ApiAnswer> {
  let answer;
  try {
    answer = await askApi(call, { url: new URL(path, base), headers: { "metadata-flavor": "Google" } });
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw new ProviderError(
      "unavailable",
      `${error.message}; only machines of Google Cloud have a metadata server, elsewhere write service_account_file`,
      { cause: error.cause, retryAfterSeconds: error.retryAfterSeconds },
    );
  }
  if (answer.status === 404) {
    throw new ProviderError("broken", "the metadata server knows no service account; attach one to this machine");
  }
  if (answer.headers.get("metadata-flavor") !== "Google") {
    throw new ProviderError("broken", `${new URL(base).host} is somebody else: it has no Metadata-Flavor: Google`);
  }
  return answer;
}
