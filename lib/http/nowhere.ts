// Answers to requests that lead nowhere.

/** RFC 9112 §3.2. */
export function badHost(): Response {
  return new Response("the Host header names no host\n", { status: 400 });
}

/** Nothing is published there, for whoever asks. */
export function notFound(): Response {
  return Response.json({ error: "not_found", error_description: "nothing is published here; GET / says what is" }, {
    status: 404,
  });
}
