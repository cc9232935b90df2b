// The browser's way to a fake provider and back, in two lines for a test.
import type { Parameters } from "../../lib/oauth/parameters.ts";
import type { Provider, SignedIn } from "../../lib/providers/provider.ts";
import { ProviderError, type ProviderErrorKind } from "../../lib/providers/provider_error.ts";
import type { FakeServer } from "./fake_server.ts";

export const clock = 1_900_000_000;
export const redirectUri = "https://mcp.example.com/callback/mcp/wiki";

export interface Trip {
  memo: unknown;
  /** Query of the callback. */
  answer: Parameters;
  /** Where the browser was sent. */
  asked: URL;
}

export async function visit(provider: Provider, fake: FakeServer, now = clock): Promise<Trip> {
  const { url, memo } = await provider.begin({ redirectUri, state: "the-state", now });
  const back = (await fake.handle(new Request(url))).headers.get("location")!;
  return { memo, asked: new URL(url), answer: Object.fromEntries(new URL(back).searchParams) };
}

export async function signIn(provider: Provider, fake: FakeServer, now = clock): Promise<SignedIn> {
  const { memo, answer } = await visit(provider, fake, now);
  return await provider.finish(memo, answer, { redirectUri, now });
}

export function renew(
  provider: Provider,
  renewal: string | undefined,
  options: { now?: number; rotated?: (renewal: string) => void } = {},
): Promise<SignedIn> {
  const { now = clock, rotated } = options;
  return provider.renew(renewal!, {
    now,
    rotated: (renewal) => {
      rotated?.(renewal);
      return Promise.resolve();
    },
  });
}

/** The kind and the words of the ProviderError that `work` ends with. */
export async function failureOf(
  work: Promise<unknown>,
): Promise<{ kind: ProviderErrorKind | "none"; message: string }> {
  try {
    await work;
    return { kind: "none", message: "" };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { kind: error.kind, message: `${error.message} ${error.cause ?? ""}` };
  }
}
